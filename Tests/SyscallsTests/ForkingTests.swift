import Glibc
import Syscalls
import Testing

/// Copies of a process, and memory that they share. The copies do next to nothing: this process has
/// several threads.
@Suite struct ForkingTests {
    @Test func `a copy writes where its parent reads`() throws {
        let memory = try Mapping(byteCount: 4096, for: .copiesOfThisProcess)
        let number = memory.base.bindMemory(to: Int.self, capacity: 1)
        #expect(number.pointee == 0)

        let child = try ForkedProcess.start {
            number.pointee = 42
            ForkedProcess.leave()
        }
        child.waitAndReap()

        #expect(number.pointee == 42)
    }

    @Test func `a copy is killed and reaped`() throws {
        let child = try ForkedProcess.start { while true { pause() } }

        child.kill()
        child.waitAndReap()

        #expect(kill(child.id, 0) == -1)
    }
}

/// Threads with stacks of a chosen size.
@Suite struct ThreadCallsTests {
    @Test func `a small stack is enough for little work`() throws {
        let signal = try WakeSignal()
        let raw = signal.raw
        let thread = try RunningThread.start(stackSize: 65_536) {
            var one: UInt64 = 1
            write(raw.number, &one, 8)
        }
        thread.join()

        var entry = pollfd(fd: raw.number, events: Int16(POLLIN), revents: 0)
        #expect(poll(&entry, 1, 0) == 1)
    }

    @Test func `a stack that no thread can start on is refused`() {
        #expect(throws: Errno.invalidArgument) {
            try RunningThread.start(stackSize: 1) {}
        }
    }
}

/// Waiting for whichever of a few descriptors comes first.
@Suite struct WaitUntilReadableTests {
    @Test func `one that is readable ends the wait, and a negative number does not count`() throws {
        let quiet = try WakeSignal()
        let loud = try WakeSignal()
        loud.raise()

        // Returns, or the test never ends.
        try waitUntilReadable(
            [RawDescriptor(-1), quiet.raw, loud.raw], nanoseconds: nil)
        try waitUntilReadable([RawDescriptor(-1), quiet.raw], nanoseconds: 1_000)
    }

    @Test func `ending both halves ends a wait on either side`() throws {
        let (one, other) = try makeSocketPair()
        defer {
            one.close()
            other.close()
        }

        one.shutdownBoth()

        try waitUntilReadable([one], nanoseconds: nil)
        try waitUntilReadable([other], nanoseconds: nil)
    }
}
