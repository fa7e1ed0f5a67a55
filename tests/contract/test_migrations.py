"""Every migration leaves the release before it able to work, or says that it does not."""

from __future__ import annotations

from pathlib import Path

import gantry.infra.migrations
import pytest

from tests.support.migrations import faults

VERSIONS = Path(gantry.infra.migrations.__file__).parent / "versions"
MIGRATIONS = sorted(VERSIONS.glob("[0-9]*.py"))


@pytest.mark.parametrize("migration", MIGRATIONS[1:], ids=lambda path: path.stem[:4])
def test_a_migration_leaves_the_release_before_it_able_to_work(migration):
    assert faults(migration.read_text()) == []


def test_migrations_are_numbered_one_by_one():
    assert [path.stem[:4] for path in MIGRATIONS] == [
        f"{number:04}" for number in range(1, len(MIGRATIONS) + 1)
    ]


def migration(*statements: str, marks: str = "") -> str:
    body = "".join(f"    {statement}\n" for statement in statements)
    return f"import sqlalchemy as sa\nfrom alembic import op\n{marks}\ndef upgrade():\n{body}"


@pytest.mark.parametrize(
    "statement",
    [
        "op.create_table('new', sa.Column('id', sa.Text(), nullable=False))",
        "op.add_column('run', sa.Column('x', sa.Text(), nullable=True))",
        "op.add_column('run', sa.Column('x', sa.Text(), nullable=False, server_default='y'))",
        "build_index('run_x', 'run', ['x'])",
        "op.execute('update run set x = 1')",
    ],
)
def test_what_old_code_does_not_notice_is_let_through(statement):
    assert faults(migration(statement)) == []


def test_a_table_that_is_new_may_be_made_as_it_should_be():
    text = migration(
        "op.create_table('new', sa.Column('id', sa.Text(), nullable=False))",
        "op.add_column('new', sa.Column('x', sa.Text(), nullable=False))",
        "op.create_index('new_x', 'new', ['x'], unique=True)",
    )
    assert faults(text) == []


@pytest.mark.parametrize(
    "statement",
    [
        "op.drop_column('run', 'x')",
        "op.drop_table('run')",
        "op.rename_table('run', 'runs')",
        "op.alter_column('run', 'x', new_column_name='y')",
        "op.alter_column('run', 'x', nullable=False)",
        "op.add_column('run', sa.Column('x', sa.Text(), nullable=False))",
        "op.create_index('run_x', 'run', ['x'], unique=True)",
        "op.create_check_constraint('short', 'run', 'length(x) < 9')",
        "op.create_foreign_key(None, 'run', 'stack', ['x'], ['id'])",
        "op.execute('alter table run drop column x')",
        "op.execute(sa.text('delete from run'))",
        "op.execute(statement)",
        "op.execute('ALTER TABLE run ' + 'DROP x')",
    ],
)
def test_what_old_code_may_not_survive_takes_a_word_about_which_code_does(statement):
    assert len(faults(migration(statement))) == 1
    assert len(faults(migration(statement, marks="blocks = 'a reason'"))) == 1
    assert faults(migration(statement, marks="oldest_code = '0004'")) == []


def test_a_migration_changes_one_table_that_is_in_use():
    """Whoever holds one and waits for the next can be waited for in a circle."""
    column = "sa.Column('x', sa.Text(), nullable=True)"
    one, two = (f"op.add_column('{table}', {column})" for table in ("run", "stack"))

    assert faults(migration(one, one)) == []
    assert len(faults(migration(one, two))) == 1


def test_an_index_that_writers_wait_for_takes_a_reason():
    statement = "op.create_index('run_x', 'run', ['x'])"
    assert len(faults(migration(statement))) == 1
    assert faults(migration(statement, marks="blocks = 'the table is small'")) == []


def test_a_trigger_takes_a_reason():
    statement = "op.execute('create trigger x after insert on run execute function y()')"
    assert len(faults(migration(statement))) == 1
    assert faults(migration(statement, marks="fires = 'it counts'")) == []
