# The bridge. Its home is /data; artifacts are mounted where you like, read-only.
FROM python:3.11-slim AS build
WORKDIR /src
COPY locks/build.txt locks/
RUN python -m pip install --no-cache-dir --require-hashes --requirement locks/build.txt
COPY pyproject.toml README.md ./
COPY lineage_bridge lineage_bridge
COPY examples examples
RUN python -m hatchling build --target wheel --directory /wheels

FROM python:3.11-slim
RUN --mount=type=bind,source=locks,target=/locks \
    python -m pip install --no-cache-dir --require-hashes --requirement /locks/run.txt
RUN --mount=type=bind,from=build,source=/wheels,target=/wheels \
    python -m pip install --no-cache-dir --no-index --no-deps /wheels/*.whl \
    && useradd --uid 10001 --create-home --shell /usr/sbin/nologin bridge \
    && install --directory --owner bridge --group bridge /data
USER bridge
ENV LINEAGE_BRIDGE_HOME=/data PYTHONUNBUFFERED=1
WORKDIR /data
VOLUME /data
EXPOSE 5000
ENTRYPOINT ["lineage-bridge"]
# In a container loopback reaches nobody, so it listens on all addresses; for that it wants keys
# (LINEAGE_BRIDGE_READ_KEYS, LINEAGE_BRIDGE_WRITE_KEYS), or --insecure where only you can reach it.
CMD ["up", "--host", "0.0.0.0", "--port", "5000"]
