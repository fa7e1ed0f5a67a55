"""However a worker cuts, repeats and mixes up its log: what is kept is what it printed."""

from __future__ import annotations

from itertools import count

from gantry.domains.runs import logbook
from hypothesis import given
from hypothesis import strategies as st

from tests.support.fuzzing import fuzz
from tests.support.given import given_a_pool, given_a_run, given_a_stack, given_a_worker

_numbers = count(1)
PRINTED = st.lists(
    st.sampled_from([b"a", b"\n", "é".encode(), "🜁".encode(), b"\r\n", b"\x1b[31m", b"\0", b"\xff"])
    | st.binary(max_size=6),
    max_size=30,
).map(b"".join)
CUT = st.tuples(st.integers(0, 60), st.integers(0, 30))
"""Where a chunk begins and how long it is; modulo what there is."""


@fuzz(12)
@given(PRINTED, st.lists(CUT, max_size=15))
async def test_what_is_kept_is_what_was_printed(core, printed, cuts):
    number = next(_numbers)
    pool = await given_a_pool(core, f"logs {number}")
    worker = await given_a_worker(core, pool)
    run = await given_a_run(core, await given_a_stack(core, pool, f"Logs {number}"))
    claim = await worker.take(run)
    version, kept = claim.run.state_version, 0

    for begin, length in cuts:
        offset = begin % (len(printed) + 1)
        answer = await worker.log(run, version, offset, printed[offset : offset + length])
        if offset <= kept:
            kept = max(kept, min(offset + length, len(printed)))
        assert (answer.accepted, answer.offset) == (True, kept)
    answer = await worker.log(run, version, kept, printed[kept:])

    assert answer.offset == len(printed)
    for offset in {0, kept, len(printed) // 2}:
        piece = await logbook.read(core.db, core.objects, run.id, version, offset)
        assert piece.data == printed[offset:]
    said, token = [], None
    for _ in range(3):
        page = await logbook.lines(core.db, core.objects, run.id, version, token)
        said += [text for text, _ in page.messages]
        token = page.next_token
    whole = printed[: printed.rfind(b"\n") + 1]
    assert "".join(said) == whole.decode("utf-8", "replace")
