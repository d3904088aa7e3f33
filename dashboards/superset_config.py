"""Superset's configuration for `make dashboards`: one process, loopback, secrets from the environment of this start.

Read by Superset in its own environment, so nothing of the platform is imported here.
"""

from __future__ import annotations

import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = os.environ["SUPERSET_METADATA_URI"]
SQLALCHEMY_TRACK_MODIFICATIONS = False

APP_NAME = "mfg_assets"
# Nobody signs up, nobody is let in without the password, and nothing is told to anybody outside.
AUTH_USER_REGISTRATION = False
WTF_CSRF_ENABLED = True
SESSION_COOKIE_SAMESITE = "Lax"
SCARF_ANALYTICS = False
# Everything is read in one version; whoever wants another one publishes and presses refresh.
CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
DATA_CACHE_CONFIG = {"CACHE_TYPE": "NullCache"}
FEATURE_FLAGS = {
    "DRILL_BY": True,
    "DRILL_TO_DETAIL": True,
    # All charts of a page at once: pages are short, and a printed or photographed one must be whole.
    "DASHBOARD_VIRTUALIZATION": False,
    # Neither Celery nor Redis stands behind this start.
    "GLOBAL_ASYNC_QUERIES": False,
    "ALERT_REPORTS": False,
}
ROW_LIMIT = 10_000
SAMPLES_ROW_LIMIT = 1_000
