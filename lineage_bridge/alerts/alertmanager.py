"""Who is told: a configuration of Alertmanager, from 0.25 on.

Critical alerts go to Slack and PagerDuty, warnings to Slack. No secret is in the file: Alertmanager
reads them from files that it names.
"""

from __future__ import annotations

from typing import Any, Final

from lineage_bridge.alerts.yaml_text import yaml_text

FILE: Final = "alertmanager.yml"
SECRETS: Final = "/run/secrets"
SLACK: Final = f"{SECRETS}/slack-url"
PAGERDUTY: Final = f"{SECRETS}/pagerduty-key"

# Names of others stand in summaries, and Slack takes `<!channel>` for a call to everybody.
_HARMLESS: Final = '| reReplaceAll "[<>]" "\'"'
_LINES: Final = (
    f"{{{{ range .Alerts }}}}{{{{ .Annotations.summary {_HARMLESS} }}}}\n"
    "{{ .Annotations.description }} <{{ .Annotations.runbook_url }}|Runbook>\n"
    "{{ end }}"
)


def alertmanager_config() -> str:
    """Write the configuration: routes, receivers, and what mutes what."""
    return yaml_text(_document(), "rules alertmanager")


def _document() -> dict[str, Any]:
    return {
        "route": {
            "receiver": "slack",
            "group_by": ["alertname", "environment"],
            "group_wait": "30s",
            "group_interval": "5m",
            "repeat_interval": "4h",
            "routes": [{"matchers": ['severity="critical"'], "receiver": "slack-and-pagerduty"}],
        },
        "receivers": [
            {"name": "slack", "slack_configs": [_slack()]},
            {
                "name": "slack-and-pagerduty",
                "slack_configs": [_slack()],
                "pagerduty_configs": [_pagerduty()],
            },
        ],
        "inhibit_rules": [
            {  # one deployment, one message: the worst
                "source_matchers": ['severity="critical"', 'deployment!=""'],
                "target_matchers": ['severity="warning"'],
                "equal": ["area", "service", "environment", "deployment"],
            },
            {  # a service without an instance, and not each of its deployments
                "source_matchers": ['alertname="NoProductionModel"'],
                "target_matchers": ['area="serving"', 'deployment!=""'],
                "equal": ["service", "environment"],
            },
            {
                "source_matchers": ['alertname="DatasetStale"'],
                "target_matchers": ['alertname="BuildOverdue"'],
                "equal": ["dataset_name", "environment"],
            },
        ],
    }


def _slack() -> dict[str, Any]:
    return {
        "api_url_file": SLACK,
        "send_resolved": True,
        "title": "[{{ .Status | toUpper }}] {{ .CommonLabels.alertname }}",
        "text": _LINES,
    }


def _pagerduty() -> dict[str, Any]:
    return {
        "routing_key_file": PAGERDUTY,
        "send_resolved": True,
        "severity": "critical",
        "description": "{{ (index .Alerts 0).Annotations.summary }}",
    }
