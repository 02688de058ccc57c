# Rasa with the model of this checkout. Its environment is sealed: Python 3.10 and old pins, reached by the worker only.
#   docker build -f deploy/dialogue.Dockerfile -t relais-dialogue .
FROM python:3.10-slim-bookworm AS build
WORKDIR /app
ENV UV_COMPILE_BYTECODE=1 UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never UV_PROJECT_ENVIRONMENT=/app/.venv-rasa
RUN pip install --no-cache-dir "uv==0.11.*"
COPY pyproject.toml uv.lock ./
RUN uv sync --frozen --no-default-groups --group dialogue
COPY bot/__init__.py bot/__init__.py
COPY bot/dialogue/__init__.py bot/dialogue/__init__.py
COPY bot/dialogue/inside_rasa bot/dialogue/inside_rasa

FROM build AS train
ENV RASA_TELEMETRY_ENABLED=false TF_CPP_MIN_LOG_LEVEL=3 SQLALCHEMY_SILENCE_UBER_WARNING=1 PYTHONPATH=/app
COPY config.yml domain.yml ./
COPY data data
RUN .venv-rasa/bin/python -m rasa train --data data --config config.yml --domain domain.yml \
    --out /model --fixed-model-name relais

FROM python:3.10-slim-bookworm
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin relais
WORKDIR /app
COPY --from=build /app /app
COPY --from=train /model/relais.tar.gz /model/relais.tar.gz
# HOME and MPLCONFIGDIR: what Rasa's libraries write belongs on the one writable place.
ENV PATH=/app/.venv-rasa/bin:$PATH PYTHONPATH=/app PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 \
    RASA_TELEMETRY_ENABLED=false TF_CPP_MIN_LOG_LEVEL=3 SQLALCHEMY_SILENCE_UBER_WARNING=1 PYTHONWARNINGS=ignore \
    HOME=/tmp MPLCONFIGDIR=/tmp
USER 10001:10001
EXPOSE 5005
CMD ["python", "-m", "bot.dialogue.inside_rasa.serve", "--host", "0.0.0.0", "--port", "5005", \
     "--model", "/model/relais.tar.gz", "--redis", "redis://redis:6379/0", "--actions", "http://actions:5055/webhook"]
