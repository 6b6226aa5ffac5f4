"""Fairness in Gradio's queue: a visitor's share of a lane, turns between visitors, and no place for who is gone.

Gradio's queue serves a lane's events first come first served, from a plain list, and lets anybody join as often as he
likes. Five things are put in its place, each at one point: the list of a lane (playground/fair.py), push(), by which
events join, get_events(), by which they begin, send_message(), by which answers are counted that nobody reads
(tabs/_unread.py), and a look at each event some seconds after it joined. Gradio itself
gives up a visitor's events when his stream of answers closes; those whose stream was never opened would keep their
place and compute for nobody.
tests/test_fairness.py holds Gradio's queue to what is used of it here.
"""

import asyncio
import math
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import gradio as gr
from fastapi import HTTPException
from gradio.server_messages import ProcessCompletedMessage, ProcessGeneratingMessage

from playground import access
from playground.fair import FairLine
from playground.visits import VISITOR, Door
from tabs._unread import MINE, NEAR, Unread

LIGHT = re.compile(r"quick|status|.*-look")  # lanes of answers in milliseconds, of which a page asks many at once
GRACE = 10.0  # seconds in which somebody must have come to hear an event's answers
AGAIN = 60.0  # seconds to the next look where somebody has
GIVEN_UP = "Nobody came to hear the answer, so the request was given up. Ask again."
STEPS = 5  # times what a visitor may leave unread, of a session's long work
KEPT = 2500  # sessions with events of which notes are kept; Gradio itself keeps the answers of 2000


class Lanes:
    """The lanes of one page; made once, between building the page and launching it."""

    def __init__(self, page: gr.Blocks, door: Door) -> None:
        self._queue, self._fns, self._door = page._queue, page.fns, door
        for fn in self._fns.values():
            self._queue.create_event_queue_for_fn(fn)
        for lane in self._queue.event_queue_per_concurrency_id.values():
            lane.queue = FairLine(visitor_of, address_of)
        # in class mode most come from one address, and nobody without a login
        self._unread = Unread(self._queue, door.presence, NEAR if door.mode == access.PUBLIC else 2 * NEAR)
        self._join, self._queue.push = self._queue.push, self.push
        self._send, self._queue.send_message = self._queue.send_message, self.send_message
        self._queue.get_events = self.get_events

    async def push(self, body: Any, request: Any, username: str | None) -> tuple[bool, Any, str]:
        """Stands before the queue's own push(). HTTPException 429 for who has his share of the lane already."""
        fn = self._fns.get(body.fn_index)
        if fn is not None:
            self._check_share(fn.concurrency_id, request.scope.get(VISITOR, (body.session_hash or "", "")))
        joined, event_id, state = await self._join(body, request, username)
        if joined:
            asyncio.get_running_loop().call_later(GRACE, self._look, event_id, body.session_hash)
            self._tell_places(fn.concurrency_id, event_id)
            self._forget_old()
        return joined, event_id, state

    def get_events(self) -> tuple[list[Any], bool, str] | None:
        """Stands in place of the queue's own get_events(): what begins now (no batch), in which lane; None for nothing.

        Where a visitor has all the places that he may have, or has not read what he got, his next event waits and
        those behind it begin.
        """
        lanes = list(self._queue.event_queue_per_concurrency_id.items())
        random.shuffle(lanes)
        behind, near = self._unread.too_much()
        for name, lane in lanes:
            places = lane.concurrency_limit
            if lane.queue and (places is None or lane.current_concurrency < places):
                taken = {**self._places_of(name), **dict.fromkeys(behind, math.inf)}
                event = lane.queue.choose(taken, self._at_once(places), self._full(name, places) | near)
                if event is not None:
                    lane.queue.take(event)
                    return [event], False, name
        return None

    def send_message(self, event: Any, message: Any) -> None:
        """Stands before the queue's own send_message(). Long work whose steps nobody reads is given up."""
        self._send(event, message)
        if not event.alive or not hasattr(message, "output"):  # the small ones come from other threads as well
            return
        self._unread.came(event._id, event.session_hash, (visitor_of(event), address_of(event)), message)
        if isinstance(message, ProcessGeneratingMessage) and self._unread.of(event.session_hash) > STEPS * MINE:
            self._begin_to_give_up(event)

    def _places_of(self, lane: str) -> Counter:
        """How many places of a lane each visitor has; who has half of all threads is not given any more."""
        threads = self._queue.max_thread_count
        everywhere = Counter(map(visitor_of, self._under_way()))
        full = [visitor for visitor, count in everywhere.items() if count >= self._at_once(threads)]
        return Counter(map(visitor_of, self._under_way(lane))) | Counter(dict.fromkeys(full, threads))

    def _at_once(self, places: int | None) -> float:
        """How many of so many places a visitor may have: half of them."""
        return math.inf if self._door.mode == access.PRIVATE or places is None else max(1, places // 2)

    def _full(self, lane: str, places: int | None) -> set[str]:
        """The addresses that have as many places of a lane as they may on a public page: one in four stays for others.

        In class mode most come from one address, and nobody without a login.
        """
        if self._door.mode != access.PUBLIC or places is None:
            return set()
        near = Counter(map(address_of, self._under_way(lane)))
        return {address for address, count in near.items() if address and count >= max(1, places * 3 // 4)}

    def _check_share(self, lane: str, who: tuple[str, str]) -> None:
        most = self._door.limits
        lanes = self._queue.event_queue_per_concurrency_id
        near = sum(address_of(event) == who[1] for name in lanes for event in self._of(name)) if who[1] else 0
        place_for_others = most.queue if self._door.mode == access.PRIVATE else max(1, most.queue - 1)
        if near >= min(most.queue_address, place_for_others):
            raise HTTPException(429, f"{near} requests wait from your address already. Try again in a moment.",
                                {"Retry-After": "5"})
        if LIGHT.fullmatch(str(lane)):  # counted together: each of them alone would leave room to fill the whole queue
            mine = sum(visitor_of(event) == who[0] for name in lanes if LIGHT.fullmatch(str(name))
                       for event in self._of(name))
            if mine >= most.queue_each:
                raise HTTPException(429, f"{mine} of your requests wait already. Let them finish.",
                                    {"Retry-After": "5"})
            return
        events = list(self._of(lane))
        mine = sum(visitor_of(event) == who[0] for event in events)
        if mine >= most.compute_each:
            raise HTTPException(429, f"You have {mine} requests for the processor under way or waiting already. "
                                     "Let one finish, or press Stop, then ask again.", {"Retry-After": "5"})
        near = sum(address_of(event) == who[1] for event in events if who[1])
        if near >= most.compute_address:
            raise HTTPException(429, f"{near} requests for the processor wait from your address already. "
                                     "Try again in a moment.", {"Retry-After": "5"})

    def _of(self, lane: str) -> Iterator[Any]:
        """The events of a lane, under way and waiting."""
        yield from self._queue.event_queue_per_concurrency_id[lane].queue
        yield from self._under_way(lane)

    def _under_way(self, lane: str = "") -> Iterator[Any]:
        """The events of a lane, or of all, that have begun and not ended."""
        for job in self._queue.active_jobs:
            yield from (event for event in job or () if lane in ("", event.concurrency_id))

    def _tell_places(self, lane: str, event_id: str) -> None:
        """Gradio tells its place to the last in line alone; who was let in before others learns his here."""
        line = self._queue.event_queue_per_concurrency_id[lane].queue
        if line and line[-1]._id != event_id:
            self._queue.broadcast_estimations(lane)

    def _look(self, event_id: str, session: str, again: bool = False) -> None:
        """Gives an event up that nobody listens for, and its answers; where somebody does, it looks again later.

        Where somebody listens and does not read, what waits for that is given up at the second look.
        """
        event = self._queue.event_ids_to_events.get(event_id)
        if session in self._door.presence or event_id in self._door.presence:
            if again and event is not None and self._is_behind(event):
                self._begin_to_give_up(event)
            elif event is not None or self._answers(event_id, session):
                asyncio.get_running_loop().call_later(AGAIN, self._look, event_id, session, True)
            return
        if event is None:
            if self._answers(event_id, session):
                self._forget_answers(event_id, session)
            return
        self._begin_to_give_up(event)

    def _is_behind(self, event: Any) -> bool:
        """Whether an event waits because its visitor does not read: it would keep its place for as long."""
        waits = event in self._queue.event_queue_per_concurrency_id[event.concurrency_id].queue
        return waits and visitor_of(event) in self._unread.too_much()[0]

    def _begin_to_give_up(self, event: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._give_up(event))
        self._queue._asyncio_tasks.add(task)  # where Gradio keeps its own, so that it is not collected
        task.add_done_callback(self._queue._asyncio_tasks.discard)

    async def _give_up(self, event: Any) -> None:
        """Takes a waiting event out; one under way ends at its generator's next step. Who comes later is told."""
        await self._queue.clean_events(event_id=event._id)
        self._forget_answers(event._id, event.session_hash)
        # where it had begun, the answer of its last step is still to come
        asyncio.get_running_loop().call_later(AGAIN, self._look, event._id, event.session_hash)

    def _answers(self, event_id: str, session: str) -> list[Any]:
        """The messages of an event that nobody has fetched."""
        messages = self._queue.pending_messages_per_session.get(session)
        return [each for each in messages._queue if each.event_id == event_id] if messages is not None else []

    def _forget_answers(self, event_id: str, session: str) -> None:
        """Puts one word in the place of an event's answers that nobody has fetched, which Gradio would keep."""
        messages = self._queue.pending_messages_per_session.get(session)
        if messages is None:
            return
        for each in [messages.get_nowait() for _ in range(messages.qsize())]:
            if each.event_id != event_id:
                messages.put_nowait(each)
        messages.put_nowait(ProcessCompletedMessage(output={"error": GIVEN_UP}, success=False, event_id=event_id))
        self._unread.count_anew(session)

    def _forget_old(self) -> None:
        """Gradio notes which events a session waits for, and never forgets those whose answer nobody fetched."""
        notes = self._queue.pending_event_ids_session
        if len(notes) > KEPT:
            for session in [name for name in notes if name not in self._queue.pending_messages_per_session]:
                del notes[session]


def visitor_of(event: Any) -> str:
    """The visitor of a queued event, as the gatekeeper knows him."""
    return event.request.scope.get(VISITOR, (event.session_hash, ""))[0]


def address_of(event: Any) -> str:
    """The address from which an event came; '' where the gatekeeper does not stand before the page."""
    return event.request.scope.get(VISITOR, ("", ""))[1]
