import Glibc
import Syscalls
import Testing

/// The counter that ends waits, and signals that are taken in turn.
@Suite struct WakeSignalTests {
    @Test func `it is readable from the first raise until it is cleared`() throws {
        let signal = try WakeSignal()
        #expect(try !isReadable(signal.raw))

        for _ in 0..<1_000 { signal.raise() }
        #expect(try isReadable(signal.raw))

        signal.clear()
        #expect(try !isReadable(signal.raw))
        signal.clear()
        #expect(try !isReadable(signal.raw))
        signal.raise()
        #expect(try isReadable(signal.raw))
    }

    @Test func `it never blocks and is closed on exec`() throws {
        let signal = try WakeSignal()

        #expect(fcntl(signal.raw.number, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(signal.raw.number, F_GETFD) & FD_CLOEXEC != 0)
    }
}

/// Each test blocks, raises and unblocks on its own thread, so other tests never see the signals.
@Suite struct SignalSetTests {
    @Test func `a blocked signal waits in its descriptor`() throws {
        let signals = SignalSet([SIGURG, SIGWINCH])
        signals.block()
        defer { unblock(SIGURG, SIGWINCH) }
        let descriptor = try signals.makeDescriptor()
        #expect(try SignalSet.take(from: descriptor.raw) == nil)

        pthread_kill(pthread_self(), SIGURG)

        #expect(try isReadable(descriptor.raw))
        #expect(try SignalSet.take(from: descriptor.raw) == SIGURG)
        #expect(try SignalSet.take(from: descriptor.raw) == nil)
    }

    @Test func `a pending signal ends the wait for it`() {
        let signals = SignalSet([SIGWINCH])
        signals.block()
        defer { unblock(SIGURG, SIGWINCH) }
        #expect(signals.wait(nanoseconds: 0) == nil)

        pthread_kill(pthread_self(), SIGWINCH)

        #expect(signals.wait(nanoseconds: 60_000_000_000) == SIGWINCH)
        #expect(signals.wait(nanoseconds: 1) == nil)
    }

    @Test func `what is discarded does nothing any more`() {
        let signals = SignalSet([SIGURG, SIGWINCH])
        signals.block()
        defer { unblock(SIGURG, SIGWINCH) }
        pthread_kill(pthread_self(), SIGURG)
        pthread_kill(pthread_self(), SIGWINCH)

        signals.discardPending()

        #expect(signals.wait(nanoseconds: 0) == nil)
    }

    @Test func `a write to a closed pipe is an error once broken pipes are ignored`() throws {
        ignoreBrokenPipes()
        let (reading, writing) = try makePipe()
        defer { writing.close() }

        reading.close()

        #expect(throws: Errno.brokenPipe) { try writing.send("x") }
    }
}

/// Whether a read would find something now (poll(2) without waiting).
private func isReadable(_ descriptor: RawDescriptor) throws(Errno) -> Bool {
    var entries = [pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0)]
    return try entries.withUnsafeMutableBufferPointer { entries throws(Errno) in
        try pollOnce(entries, nanoseconds: 0)
    } > 0
}
