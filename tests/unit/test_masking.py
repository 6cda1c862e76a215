from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_bridge.masking import is_secret_name, masked, public_url

SECRET = "hunter2"

# Where `{}` stands, a secret does.
WITH_SECRET = [
    "postgres://bob:{}@host/db",
    "postgres://{}@host:5432/db",
    "postgres://bob:pa/{}@host/db",
    "postgres://bob:pa ss{}@host/db",
    "postgres://DOMAIN\\bob:{}@host/db",
    "mongodb+srv://bob:{}@a.example.com,b.example.com/db?authSource=admin",
    "see https://bob:{}@host/x and https://bob:{}@other/y",
    "cannot read 'postgres://bob:{}@host/db'",
    "abfss://container:{}@account.dfs.core.windows.net/x",
    "bob:{}@host:5000",
    "bob:{}@host/db",
    "https://host/x?token={}&version=3",
    "https://host/x?version=3&X-Goog-Signature={}",
    "https://host/x?a=1#access_token={}",
    "https://account.blob.core.windows.net/x?sv=1&sig={}%3D&se=2",
    "https://host/x?%70assword={}",
    "jdbc:postgresql://host/db?user=bob&password={}",
    "jdbc:sqlserver://host;databaseName=db;user=bob;Password={{{};}};x=1",
    "jdbc:oracle:thin:bob/{}@//host:1521/db",
    "host=h user=bob password='a {}' dbname=db",
    "AccountName=a;AccountKey={}==;EndpointSuffix=b",
    "PGPASSWORD={} psql",
    "train.py --api-key {} --rows 3",
    "train.py --api-key={}",
    "{{'client_secret': '{}', 'rows': 3}}",
    '{{"aws": {{"SecretAccessKey" : "{}"}}}}',
    "Authorization: Bearer {}",
]
WITHOUT = [
    "",
    "/data/session=3/token=4/part-0.parquet",
    "s3://bucket/path/x.parquet?versionId=7",
    "https://host:8080/@scope/package@1.2",
    "abfss://container@account.dfs.core.windows.net/x",
    "http://[::1]:5000/x",
    "dataset:urban:features.mobility.set@2026-04-07T10:30:00Z",
    "job:ns:a=b;c",
    "registry.example.com:5000/image@sha256:0123abc",
    "git@github.com:org/repo.git",
    "max_tokens=512 primary_key=id tokenizer=bpe",
    "models:/risk@champion",
    "expected a URL such as http://localhost:5000, but it has an `@` too many",
    "read the folder that holds the file with --p2, or keep its file longer",
]


@pytest.mark.parametrize("text", WITH_SECRET)
def test_a_secret_goes_and_the_rest_stays(text):
    shown = masked(text.format(*[SECRET] * 2))

    assert SECRET not in shown
    assert masked(shown) == shown
    assert shown.replace("***", "")


@pytest.mark.parametrize("text", WITHOUT)
def test_a_text_without_a_secret_stays_as_it_is(text):
    assert masked(text) == text


@given(st.text(st.sampled_from("ab1:/@?#&=;'\"-. \\%[]{}"), max_size=40))
def test_masking_twice_is_masking_once(text):
    for told in (text, f"https://{text}", f"token={text}"):
        assert masked(masked(told)) == masked(told)


@given(st.text(min_size=1).map(lambda text: quote(text + SECRET, safe="")), st.text())
def test_no_password_that_is_written_as_urls_want_it_is_ever_shown(password, around):
    url = f"https://bob:{password}@host:5000/base"

    assert public_url(f"{url}/?{password}#{password}") == "https://host:5000/base"
    assert password not in masked(f"{around.replace(password, '')} {url}")


@pytest.mark.parametrize(
    "name", ["api_key", "apiKey", "AWS_SECRET_ACCESS_KEY", "db.password", "PWD", "x-amz-signature"]
)
def test_names_of_secrets(name):
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name", ["max_tokens", "tokenizer", "primary_key", "author", "signal", "passes", "keyboard"]
)
def test_names_of_other_things(name):
    assert not is_secret_name(name)
