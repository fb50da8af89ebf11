"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "meta",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "scopes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("gateway", sa.Text, nullable=False),
        sa.Column("org", sa.Text, nullable=False),
        sa.Column("sandbox", sa.Text, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scopes"),
        sa.UniqueConstraint("gateway", "org", "sandbox", "created", name="uq_scopes_gateway_org_sandbox_created"),
    )
    op.create_table(
        "definitions",
        sa.Column("fingerprint", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_definitions"),
    )
    op.create_table(
        "pauses",
        sa.Column("family", sa.Text, nullable=False),
        sa.Column("until", sa.Double, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("family", name="pk_pauses"),
    )
    make_runs()
    make_steps_and_history()


def make_runs() -> None:
    """Runs, with an index for each question that is asked of many of them."""
    op.create_table(
        "runs",
        sa.Column("key", KEY, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("workflow", sa.Text, nullable=False),
        sa.Column("variant", sa.Text, nullable=False),
        sa.Column("scope", sa.Integer, nullable=False),
        sa.Column("source", SORTED, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("suspect", sa.Boolean, nullable=False),
        sa.Column("doomed", sa.Text),
        sa.Column("begun_by", sa.Text),
        sa.Column("owner", sa.Text),
        sa.Column("epoch", sa.Integer, nullable=False),
        sa.Column("batch", sa.Integer),
        sa.Column("failure", sa.Text),
        sa.Column("created_at", sa.Double, nullable=False),
        sa.Column("finished_at", sa.Double),
        sa.Column("definition", sa.Text, nullable=False),
        sa.Column("inputs_print", sa.Text, nullable=False),
        sa.Column("inputs", sa.Text, nullable=False),
        sa.Column("was", sa.Text),
        sa.Column("formerly", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_runs"),
        sa.ForeignKeyConstraint(["scope"], ["scopes.id"], name="fk_runs_scope"),
        sa.UniqueConstraint("run_id", name="uq_runs_run_id"),
    )
    op.create_index("ix_runs_shared_source_key", "runs", ["shared", "source", "key"])
    op.create_index("ix_runs_shared_status", "runs", ["shared", "status"])
    for name, condition in (("ix_runs_begun", "begun_by IS NOT NULL"), ("ix_runs_fresh", "begun_by IS NULL")):
        where = sa.text(condition)
        op.create_index(name, "runs", ["batch", "key"], sqlite_where=where, postgresql_where=where)


def make_steps_and_history() -> None:
    """What hangs on runs, and goes with them."""
    op.create_table(
        "steps",
        sa.Column("run", KEY, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("attempts", sa.Text),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("spec", sa.Text),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("receipt", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("due", sa.Double),
        sa.Column("tombstones", sa.Text),
        sa.Column("started_at", sa.Double),
        sa.Column("finished_at", sa.Double),
        sa.Column("body", sa.Text),
        sa.PrimaryKeyConstraint("run", "step", name="pk_steps"),
        sa.ForeignKeyConstraint(["run"], ["runs.key"], name="fk_steps_run", ondelete="CASCADE"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "history",
        sa.Column("id", KEY, nullable=False),
        sa.Column("run", KEY, nullable=False),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("detail", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_history"),
        sa.ForeignKeyConstraint(["run"], ["runs.key"], name="fk_history_run", ondelete="CASCADE"),
    )
    op.create_index("ix_history_run", "history", ["run"])
