"""A network that can fail, between a client and a server on the loopback interface: a proxy for TCP."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from random import Random

CHUNK = 4096
LINGER_NOT = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing the socket sends a RST."""

UP, DOWN = "up", "down"
"""Directions: to the server, and to the client."""


class Connection:
    """One connection of a client and the one to the server that goes with it."""

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
        self.client = client
        self.server = server
        self.is_lost = False
        """Whether its bytes go nowhere any more, and nobody is told."""

    def close(self) -> None:
        """End both sides with a FIN."""
        self.client.close()
        self.server.close()

    def reset(self) -> None:
        """End both sides with a RST."""
        for writer in (self.client, self.server):
            _reset(writer)

    def drop_server(self) -> None:
        """End the server's side alone: to the client, all seems well."""
        self.is_lost = True
        _reset(self.server)


class Proxy:
    """Listens on ``port`` and passes everything on to ``target``.

    :ivar rate: bytes a second in each direction; 0: no limit.
    :ivar delay: a piece of data waits up to so many seconds.
    :ivar held: directions in which nothing passes.
    """

    def __init__(self, port: int, target: int, random: Random) -> None:
        self.port = port
        self.rate = 0.0
        self.delay = 0.0
        self.held: frozenset[str] = frozenset()
        self._target = target
        self._random = random
        self._open: set[Connection] = set()
        self._loop = asyncio.new_event_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    def each(self, act: Callable[[Connection], None]) -> int:
        """Do something to all connections that are open; return their number."""

        async def act_on_all() -> int:
            connections = list(self._open)
            for connection in connections:
                act(connection)
            return len(connections)

        return asyncio.run_coroutine_threadsafe(act_on_all(), self._loop).result(30)

    async def _serve(self, client_reader: asyncio.StreamReader, client: asyncio.StreamWriter) -> None:
        try:
            server_reader, server = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            _reset(client)
            return
        connection = Connection(client, server)
        self._open.add(connection)
        try:
            await asyncio.gather(
                self._pass_on(client_reader, server, UP, connection),
                self._pass_on(server_reader, client, DOWN, connection),
            )
        finally:
            self._open.discard(connection)
            connection.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: str, connection: Connection
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(CHUNK):
                while way in self.held:
                    await asyncio.sleep(0.02)
                if self.rate:
                    await asyncio.sleep(len(data) / self.rate)
                if self.delay:
                    await asyncio.sleep(self._random.uniform(0, self.delay))
                if not connection.is_lost:
                    writer.write(data)
                    await writer.drain()
        while connection.is_lost and writer is connection.client:  # silent until the client has had enough
            await asyncio.sleep(0.05)
            if writer.is_closing():
                return
            if connection not in self._open:
                return
        if not connection.is_lost:
            with suppress(OSError, RuntimeError):
                writer.write_eof()
        elif way == UP:
            self._open.discard(connection)

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._start, "127.0.0.1", self.port)

    def _start(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._loop.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Pass things on until the block ends."""
        server = self._loop.run_until_complete(self._listen())
        thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join()
            server.close()
            self._loop.run_until_complete(self._end_all())
            self._loop.close()

    async def _end_all(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    writer.transport.abort()
