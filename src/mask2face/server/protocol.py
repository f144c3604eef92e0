"""HTTP/1.1 for clients that may be slow on purpose: they are cut off.

uvicorn waits for ever for the rest of a request's headers, and for a client to take its answer.
"""

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle


class PatientProtocol(H11Protocol):
    """uvicorn's protocol with an end to patience.

    Attributes:
        patience: seconds in which the headers of a request must arrive, and in which a client must
            take some of its answer.
    """

    patience: float = 10.0
    _headers_due: asyncio.TimerHandle | None = None
    _sending_due: asyncio.TimerHandle | None = None
    _unsent: int = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin a connection."""
        super().connection_made(transport)
        self._watch_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """End a connection."""
        self._headers_due = _stopped(self._headers_due)
        self._sending_due = _stopped(self._sending_due)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came."""
        super().data_received(data)
        self._watch_headers()

    def pause_writing(self) -> None:
        """Hear that the client is behind with its answer."""
        super().pause_writing()
        self._watch_sending()

    def resume_writing(self) -> None:
        """Hear that it has caught up."""
        self._sending_due = _stopped(self._sending_due)
        super().resume_writing()

    def _watch_headers(self) -> None:
        """Give what comes outside a request its time, which further bytes do not renew.

        These are the headers of the next one, and the rest of a body that was refused.
        """
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and not cycle.response_complete:
            self._headers_due = _stopped(self._headers_due)
        elif self._headers_due is None:
            self._headers_due = self.loop.call_later(self.patience, self.transport.close)

    def _watch_sending(self) -> None:
        self._unsent = self.transport.get_write_buffer_size()
        self._sending_due = self.loop.call_later(self.patience, self._check_sending)

    def _check_sending(self) -> None:
        if self.transport.get_write_buffer_size() >= self._unsent:
            self.transport.abort()
        else:
            self._watch_sending()


def _stopped(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    """Stop a timer, and return what stands for none."""
    if timer is not None:
        timer.cancel()
    return None
