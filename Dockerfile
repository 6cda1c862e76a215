# The bridge. Its home is /data; artifacts are mounted where you like, read-only.
FROM python:3.11-slim AS build
WORKDIR /src
COPY pyproject.toml README.md ./
COPY lineage_bridge lineage_bridge
RUN python -m pip wheel --no-cache-dir --wheel-dir /wheels .

FROM python:3.11-slim
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    python -m pip install --no-cache-dir --no-index --find-links /wheels lineage-bridge \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin bridge \
    && install --directory --owner bridge --group bridge /data
USER bridge
ENV LINEAGE_BRIDGE_HOME=/data PYTHONUNBUFFERED=1
WORKDIR /data
VOLUME /data
EXPOSE 5000 9464
ENTRYPOINT ["lineage-bridge"]
# In a container loopback reaches nobody; what the host publishes is the host's to decide.
CMD ["up", "--host", "0.0.0.0", "--port", "5000", "--exporter-port", "9464"]
