import Glibc
import Syscalls
import Testing

/// Descriptors: what closes them, and in which state they come.
@Suite struct DescriptorTests {
    /// Both kinds of pair, as a reading and a writing end.
    enum Pair: CaseIterable {
        case pipe, sockets

        func open() throws -> (reading: RawDescriptor, writing: RawDescriptor) {
            switch self {
            case .pipe: return try makePipe()
            case .sockets:
                let (one, other) = try makeSocketPair()
                return (one, other)
            }
        }
    }

    @Test(arguments: Pair.allCases)
    func `both ends never block and are closed on exec`(pair: Pair) throws {
        let (reading, writing) = try pair.open()
        defer { [reading, writing].forEach { $0.close() } }

        for end in [reading, writing] {
            #expect(fcntl(end.number, F_GETFL) & O_NONBLOCK != 0)
            #expect(fcntl(end.number, F_GETFD) & FD_CLOEXEC != 0)
        }
    }

    @Test(arguments: Pair.allCases)
    func `bytes come out as they went in`(pair: Pair) throws {
        let (reading, writing) = try pair.open()
        defer { [reading, writing].forEach { $0.close() } }

        #expect(try writing.send("swiftlet") == 8)

        #expect(try reading.take(atMost: 5) == "swift")
        #expect(try reading.take(atMost: 5) == "let")
        #expect(throws: Errno.wouldBlock) { try reading.take(atMost: 5) }
    }

    @Test(arguments: Pair.allCases)
    func `the end of the stream reads as nothing`(pair: Pair) throws {
        let (reading, writing) = try pair.open()
        defer { reading.close() }

        writing.close()

        #expect(try reading.take(atMost: 5) == "")
    }

    @Test func `a descriptor closes itself when it goes out of scope`() throws {
        let (reading, writing) = try makePipe()
        defer { writing.close() }

        do {
            let descriptor = Descriptor(adopting: reading)
            #expect(descriptor.raw == reading)
        }

        // Another test may have the number by now, so the other end tells: it has no reader left.
        ignoreBrokenPipes()
        #expect(throws: Errno.brokenPipe) { try writing.send("x") }
    }

    @Test func `a descriptor that was released stays open`() throws {
        let (reading, writing) = try makePipe()
        defer { [reading, writing].forEach { $0.close() } }

        let raw = Descriptor(adopting: reading).release()

        #expect(raw == reading)
        #expect(raw.isOpen)
        #expect(try writing.send("x") == 1)
    }

    @Test func `a place before the beginning is refused`() throws {
        let number = try retrying { Glibc.open("/proc/self/status", O_RDONLY | O_CLOEXEC) }
        let file = RawDescriptor(number)
        defer { file.close() }
        for offset in [Int.min, -1 << 62, -1] {
            #expect(throws: Errno.invalidArgument) { try file.read(at: offset, atMost: .max) }
        }
        let status = try file.read(at: 0, atMost: .max)
        #expect(!status.isEmpty)
    }

    @Test func `a number that names nothing is not open`() {
        #expect(!RawDescriptor(-1).isOpen)
        #expect(!RawDescriptor(.max).isOpen)
        #expect(throws: Errno.badDescriptor) { try RawDescriptor(-1).setBlocking() }
        #expect(RawDescriptor(7).description == "descriptor 7")
    }
}

/// The limit belongs to the whole process, so these two take turns, and only ever raise it or put
/// it back.
@Suite(.serialized) struct DescriptorLimitTests {
    @Test func `raising takes the soft limit to the hard one`() throws {
        let raised = try DescriptorLimit.raise()

        #expect(raised.soft == raised.hard)
        #expect(try DescriptorLimit.current() == raised)
        #expect(try DescriptorLimit.raise() == raised)
    }

    @Test func `the soft limit can be set and never beyond the hard one`() throws {
        let before = try DescriptorLimit.raise()
        try #require(before.hard < .max)
        defer { #expect(throws: Never.self) { try DescriptorLimit.set(soft: before.soft) } }

        try DescriptorLimit.set(soft: before.soft - 1)

        #expect(try DescriptorLimit.current().soft == before.soft - 1)
        #expect(throws: Errno.invalidArgument) { try DescriptorLimit.set(soft: before.hard + 1) }
    }
}
