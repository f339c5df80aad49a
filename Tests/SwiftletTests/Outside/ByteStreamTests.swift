import Glibc
import Syscalls
import Testing

@testable import Swiftlet

/// Pipes, terminals, devices and files as streams that park.
@Suite struct ByteStreamTests {
    private func pair() throws -> (ByteReader, ByteWriter) {
        let (reading, writing) = try makePipe()
        return (ByteReader(takingOver: reading), ByteWriter(takingOver: writing))
    }

    /// A file that has no name any more, for reading and writing.
    private func file(_ text: String) throws -> RawDescriptor {
        var path = Array("/tmp/swiftlet-test-XXXXXX".utf8CString)
        let number = try retrying { mkstemp(&path) }
        unlink(path)
        let descriptor = RawDescriptor(number)
        try descriptor.writeAll(Array(text.utf8))
        lseek(number, 0, SEEK_SET)
        return descriptor
    }

    /// A terminal, and the end at which its user sits.
    private func terminal() throws -> (user: RawDescriptor, program: RawDescriptor) {
        let user = try retrying { open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC) }
        // Unlocked, and by its number: TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)).
        var (unlocked, number) = (CInt(0), CInt(0))
        _ = try retrying { ioctl(user, 0x4004_5431, &unlocked) }
        _ = try retrying { ioctl(user, 0x8004_5430, &number) }
        let program = try retrying { open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC) }
        return (RawDescriptor(user), RawDescriptor(program))
    }

    @Test(arguments: DriverKind.usable)
    func `a reader parks until bytes come, and is at the end with the writer`(
        driver: DriverKind
    ) async throws {
        let (reader, writer) = try pair()
        try await onLoop(driver) {
            let line = try spawn { try await reader.readLine() }
            while await EventLoop.current?.parkReports.isEmpty != false { await Task.yield() }
            try await writer.write("one\ntwo")
            #expect(try await line.value == "one")
            writer.close()
            #expect(try await reader.readLine() == "two")
            #expect(try await reader.readLine() == nil)
            #expect(try await reader.read() == nil)
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a writer parks when the pipe is full`(driver: DriverKind) async throws {
        let (reader, writer) = try pair()
        try await onLoop(driver) {
            let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
            let writing = try spawn {
                try await writer.write(bytes)
                writer.close()
            }
            #expect(try await reader.readToEnd(limit: 1_000_000) == bytes)
            try await writing.value
        }
    }

    @Test func `a pipe that nobody reads is an error and no signal`() async throws {
        let (reader, writer) = try pair()
        try await onLoop {
            reader.close()
            // A child that another test is just starting holds a copy of it for a moment.
            var error: IOError?
            while error == nil { error = await ioError { try await writer.write("x") } }
            #expect(error == IOError(.write, .system(.brokenPipe)))
        }
    }

    @Test func `waiting ends with the timeout, the cancellation and the end of the file`()
        async throws
    {
        let (reader, writer) = try pair()
        try await onLoop {
            let late = await ioError { try await reader.read(timeout: .milliseconds(1)) }
            #expect(late == IOError(.read, .timedOut))

            let cancelled = try spawn { try await reader.readLine() }
            await Task.yield()
            let second = await ioError { try await reader.read() }
            #expect(second == IOError(.read, .busy))
            cancelled.cancel()
            #expect(await ioError { try await cancelled.value } == IOError(.read, .cancelled))

            try await writer.write("half a ")
            let tooLong = await ioError { try await reader.readLine(limit: 3) }
            #expect(tooLong == IOError(.read, .tooLong))
            #expect(try await reader.read(until: 0x20) == Array("half ".utf8))

            let waiting = try spawn { try await reader.read(until: 0x0a) }
            await Task.yield()
            reader.close()
            #expect(await ioError { try await waiting.value } == IOError(.read, .closed))
            #expect(await ioError { try await reader.read() } == IOError(.read, .closed))
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a file on a disk is read and written on a thread`(driver: DriverKind) async throws {
        let read = try file("one\ntwo\n"), written = try file("")
        let copy = try written.duplicate()
        try await onLoop(driver) {
            let reader = ByteReader(takingOver: read)
            #expect(try await reader.readLine() == "one")
            #expect(try await reader.readLine() == "two")
            #expect(try await reader.readLine() == nil)
            try await ByteWriter(takingOver: written).write("three\n")
            lseek(copy.number, 0, SEEK_SET)
            let again = ByteReader(takingOver: copy)
            #expect(try await again.readToEnd(limit: 100) == Array("three\n".utf8))
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a device that no driver watches is read all the same`(driver: DriverKind) async throws {
        try await onLoop(driver) {
            for flags in [O_RDWR, O_RDWR | O_NONBLOCK] {
                let null = RawDescriptor(try retrying { open("/dev/null", flags | O_CLOEXEC) })
                let reader = ByteReader(takingOver: try null.duplicate())
                #expect(try await reader.read() == nil)
                let writer = ByteWriter(takingOver: null)
                try await writer.write([UInt8](repeating: 7, count: 100_000))
            }
        }
    }

    @Test func `a descriptor of others keeps its flags and stays open`() async throws {
        let (reading, writing) = try makePipe()
        defer {
            reading.close()
            writing.close()
        }
        try reading.setBlocking()
        try writing.setBlocking()
        try await onLoop {
            let reader = ByteReader(sharing: reading)
            let writer = ByteWriter(sharing: writing)
            let late = await ioError { try await reader.read(timeout: .milliseconds(1)) }
            #expect(late?.reason == .timedOut)
            try await writer.write("x\n")
            #expect(try await reader.readLine() == "x")
            reader.close()
            writer.close()
        }
        #expect(reading.isOpen && writing.isOpen)
        #expect(!reading.isNonBlocking && !writing.isNonBlocking)
    }

    @Test func `a socket of others is read without its flag`() async throws {
        let (one, other) = try RawDescriptor.socketPair()
        defer {
            one.close()
            other.close()
        }
        try one.setBlocking()
        try await onLoop {
            let reader = ByteReader(sharing: one), writer = ByteWriter(sharing: one)
            let late = await ioError { try await reader.read(timeout: .milliseconds(1)) }
            #expect(late?.reason == .timedOut)
            try other.writeAll(Array("in\n".utf8))
            #expect(try await reader.readLine() == "in")
            try await writer.write("out\n")
            #expect(try await ByteReader(sharing: other).readLine() == "out")
        }
    }

    @Test(arguments: DriverKind.usable)
    func `a reader and a writer that share a socket leave each other alone`(
        driver: DriverKind
    ) async throws {
        let (one, other) = try RawDescriptor.socketPair()
        defer {
            one.close()
            other.close()
        }
        try one.setBlocking()
        try await onLoop(driver) {
            let reader = ByteReader(sharing: one), writer = ByteWriter(sharing: one)
            let line = try spawn { try await reader.readLine() }
            while await EventLoop.current?.parkReports.isEmpty != false { await Task.yield() }
            try await writer.write("out\n")
            try other.writeAll(Array("in\n".utf8))
            #expect(try await line.value == "in")
        }
    }

    @Test func `where another task is parked a read is busy and leaves it there`() async throws {
        let (reading, writing) = try makePipe()
        defer { writing.close() }
        try await onLoop {
            let loop = try #require(EventLoop.current)
            let reader = ByteReader(takingOver: reading)
            let parked = try spawn { try await loop.park(on: reading, for: .read) }
            while await loop.parkReports.isEmpty { await Task.yield() }
            #expect(await ioError { try await reader.read() } == IOError(.read, .busy))
            try writing.writeAll([1])
            try await parked.value
            await loop.forget(reading)
        }
    }

    @Test func `a close that is heard of late leaves alone what has the number then`() async throws
    {
        let (reading, writing) = try makePipe()
        defer { writing.close() }
        try await onLoop {
            let loop = try #require(EventLoop.current)
            let file = OpenFile(takingOver: reading)
            let parked = try spawn { try await loop.park(on: reading, for: .read) }
            while await loop.parkReports.isEmpty { await Task.yield() }
            loop.executor.carryOut(.endPark(file))
            try writing.writeAll([1])
            try await parked.value
            await loop.forget(reading)
        }
    }

    @Test func `the time is over also where bytes come without end`() async throws {
        let zeros = try retrying { open("/dev/zero", O_RDONLY | O_NONBLOCK | O_CLOEXEC) }
        try await onLoop {
            let reader = ByteReader(takingOver: RawDescriptor(zeros))
            let late = await ioError {
                try await reader.readToEnd(limit: 200_000_000, timeout: .zero)
            }
            #expect(late == IOError(.read, .timedOut))
        }
    }

    @Test func `the user's end of a terminal is that end, and no new terminal`() async throws {
        let (user, program) = try terminal()
        defer {
            user.close()
            program.close()
        }
        #expect(user.openedAnew(O_RDWR) == nil)
        try await onLoop {
            try program.writeAll(Array("hello\n".utf8))
            #expect(try await ByteReader(sharing: user).readLine() == "hello")
            try await ByteWriter(sharing: user).write("there\n")
            #expect(try await ByteReader(sharing: program).readLine() == "there")
        }
    }

    @Test func `a terminal is set back also when its reader is closed`() async throws {
        let (user, program) = try terminal()
        defer {
            user.close()
            program.close()
        }
        var (before, after) = (termios(), termios())
        tcgetattr(program.number, &before)
        try await onLoop {
            let reader = ByteReader(sharing: program)
            try await reader.withRawTerminal { reader.close() }
            #expect(!reader.isTerminal)
            let closed = await ioError { try await reader.withRawTerminal {} }
            #expect(closed == IOError(.terminal, .closed))
        }
        tcgetattr(program.number, &after)
        #expect(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag)
    }

    @Test func `a terminal is read by lines, or by keys until it is set back`() async throws {
        let (user, program) = try terminal()
        defer {
            user.close()
            program.close()
        }
        var before = termios()
        tcgetattr(program.number, &before)
        try await onLoop {
            let reader = ByteReader(sharing: program)
            #expect(reader.isTerminal)
            try user.writeAll(Array("hello\n".utf8))
            #expect(try await reader.readLine() == "hello")
            struct Enough: Error {}
            await #expect(throws: Enough.self) {
                try await reader.withRawTerminal {
                    try user.writeAll([3])
                    let key = try await reader.read()
                    #expect(key?[0] == 3)
                    throw Enough()
                }
            }
        }
        var after = termios()
        tcgetattr(program.number, &after)
        #expect(after.c_lflag == before.c_lflag && after.c_iflag == before.c_iflag)
    }

    @Test func `what is no terminal says so`() async throws {
        let (reader, _) = try pair()
        #expect(!reader.isTerminal)
        let error = await ioError { try await reader.withRawTerminal {} }
        #expect(error == IOError(.terminal, .system(Errno(rawValue: ENOTTY))))
    }

    @Test func `what a connection says is copied into a pipe`() async throws {
        let (reader, writer) = try pair()
        try await onLoop {
            let (one, other) = try await Connection.pair()
            try await one.write("hello\n")
            try await one.closeWrite()
            #expect(try await copy(from: other, to: writer) == 6)
            #expect(try await reader.readLine() == "hello")
        }
    }
}
