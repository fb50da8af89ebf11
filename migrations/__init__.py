"""The journal's schema over time (Alembic). `engine.journal` applies it when it opens a journal."""
