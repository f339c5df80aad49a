import Drivers
import Glibc
import Synchronization
import Syscalls
import Testing

// The part of the contract that is about descriptor numbers: reused, closed, high and many.

extension DriverContractTests {
    @Test(arguments: DriverUnderTest.kernel)
    func `a number that is used again at once stands for the new file`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (old, oldPeer) = try setting.makePair()
        let (new, newPeer) = try setting.makePair()
        let watched = try duplicate(old, as: FreeNumber.next())
        try setting.driver.setInterest(.readable, in: watched)

        try setting.driver.setInterest([], in: watched)
        watched.close()
        try #require(try duplicate(new, as: watched.number) == watched)
        defer { watched.close() }
        try setting.driver.setInterest(.readable, in: watched)

        setting.close(oldPeer)
        #expect(try setting.look().isEmpty)
        try setting.sendByte(from: newPeer)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `a descriptor that was closed too early can be withdrawn and its number used again`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, _) = try setting.makePair()
        let (replacement, newPeer) = try setting.makePair()
        let high = try duplicate(watched, as: FreeNumber.next())
        try setting.driver.setInterest(.readable, in: high)

        high.close()
        try setting.driver.setInterest([], in: high)
        #expect(try setting.look().isEmpty)

        try #require(try duplicate(replacement, as: high.number) == high)
        defer { high.close() }
        try setting.driver.setInterest(.readable, in: high)
        try setting.sendByte(from: newPeer)
        #expect(try setting.waitForReadiness() == [Readiness(high, .readable)])
        try setting.driver.setInterest([], in: high)
    }

    @Test(arguments: DriverUnderTest.kernel, [-1, FreeNumber.next(), 1_000_000])
    func `interest in what is not open is an error or a report`(
        kind: DriverUnderTest,
        number: CInt
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        let closed = RawDescriptor(number)
        try #require(!closed.isOpen)
        try setting.driver.setInterest(.readable, in: watched)

        do {
            try setting.driver.setInterest(.readable, in: closed)
            #expect(try Set(setting.waitForReadiness().map(\.descriptor)) == [closed])
            try setting.driver.setInterest([], in: closed)
        } catch let error as Errno where error == .badDescriptor {
            // An error at once will do as well.
        }

        #expect(try setting.look().isEmpty)
        try setting.sendByte(from: peer)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `a descriptor closed under the driver does not hide the others`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        let closed = try duplicate(peer, as: FreeNumber.next())
        try setting.driver.setInterest(.readable, in: closed)
        try setting.driver.setInterest(.readable, in: watched)
        closed.close()

        try setting.sendByte(from: peer)

        var seen: Set<RawDescriptor> = []
        for _ in 0..<3 {
            for readiness in try setting.look() {
                seen.insert(readiness.descriptor)
                // A loop answers a report by trying, and withdraws what fails.
                if readiness.descriptor == closed { try setting.driver.setInterest([], in: closed) }
            }
        }
        #expect(seen.contains(watched))
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `a pipe whose other end is gone is ready though nothing can be read or written`(
        kind: DriverUnderTest
    ) throws {
        // The kernel says no more than hang-up or error here, where a socket is readable as well.
        let setting = try kind.open()
        let (reading, writer) = try makePipe()
        defer { reading.close() }
        try setting.driver.setInterest(.readable, in: reading)
        let (reader, writing) = try makePipe()
        defer { writing.close() }
        let bytes = [UInt8](repeating: 7, count: 65_536)
        while (try? bytes.withUnsafeBytes { try writing.write($0) }) != nil {}
        try setting.driver.setInterest(.writable, in: writing)
        #expect(try setting.look().isEmpty)

        writer.close()
        reader.close()

        let ready = try setting.look()
        #expect(Set(ready.map(\.descriptor)) == [reading, writing])
        #expect(ready.first { $0.descriptor == reading }?.ready.contains(.readable) == true)
        #expect(ready.first { $0.descriptor == writing }?.ready.contains(.writable) == true)
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `a file that is always ready is reported or refused`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let file = RawDescriptor(Glibc.open("/proc/self/exe", O_RDONLY | O_CLOEXEC))
        try #require(file.isOpen)
        defer { file.close() }

        do {
            try setting.driver.setInterest(.readable, in: file)
            #expect(try setting.look() == [Readiness(file, .readable)])
        } catch let error as Errno where error.rawValue == EPERM {
            // epoll(7) does not watch regular files.
            #expect(try setting.look().isEmpty)
        }
    }

    @Test(
        .enabled(
            if: FreeNumber.top > 4_000,
            "the hard limit on open files is too low (ulimit -Hn)"
        ),
        arguments: DriverUnderTest.kernel
    )
    func `a number beyond 1,024 is like any other`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        for floor: CInt in [1_023, 1_024, 1_025, 3_000] {
            let (watched, peer) = try setting.makePair()
            let high = RawDescriptor(fcntl(watched.number, F_DUPFD_CLOEXEC, floor))
            try #require(high.number >= floor)
            defer { high.close() }

            try setting.driver.setInterest(.both, in: high)
            try setting.sendByte(from: peer)
            #expect(try setting.waitForReadiness() == [Readiness(high, .both)])

            try setting.driver.setInterest([], in: high)
            #expect(try setting.look().isEmpty)
        }
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `a driver closes what it opened`(kind: DriverUnderTest) throws {
        // More than may be open at once, so a driver that keeps one descriptor runs out of them.
        let limit = try DescriptorLimit.current().soft
        var failure: (any Error)?

        // A thread of its own, see `Setting.fewWaits`.
        try ParallelThread {
            do {
                for _ in 0...min(limit, 50_000) { _ = try kind.open() }
            } catch {
                failure = error
            }
        }.join()

        #expect(failure == nil)
    }
}

/// Ten thousand descriptors are half of what a process may have here, so the kinds take turns.
@Suite(.serialized, .timeLimit(.minutes(60))) struct ManyDescriptorsTests {
    static let count = 10_000
    static let isAllowed = (try? DescriptorLimit.raise().soft >= count + 1_000) == true

    @Test(
        .enabled(if: isAllowed, "the hard limit on open files is below 11,000 (ulimit -Hn)"),
        arguments: DriverUnderTest.kernel
    )
    func `ten thousand descriptors are watched and the ready ones found`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let pairs = try (0..<Self.count / 2).map { _ in try setting.makePair() }
        let descriptors = pairs.flatMap { [$0.watched, $0.peer] }
        for descriptor in descriptors {
            try setting.driver.setInterest(.readable, in: descriptor)
        }
        #expect(try setting.look().isEmpty)

        let chosen = stride(from: 0, to: pairs.count, by: 1_000).map { pairs[$0] }
        for pair in chosen { try setting.sendByte(from: pair.peer) }
        #expect(Set(try setting.look()) == Set(chosen.map { Readiness($0.watched, .readable) }))

        for descriptor in descriptors {
            try setting.driver.setInterest(.writable, in: descriptor)
        }
        var found: Set<RawDescriptor> = []
        // A driver may report a part at a time, but everything has its turn.
        for _ in 0..<20 { found.formUnion(try setting.look().map(\.descriptor)) }
        #expect(found == Set(descriptors))
    }
}

/// Numbers from the top of the table of open files, where no other test comes; each is given out
/// once.
///
/// The kernel gives the lowest free number, so a test that closes a descriptor and means to find
/// the number free, or the same, must take it from somewhere else. Not quite from the top: another
/// test lowers the limit by one for a moment.
private enum FreeNumber {
    static let top = CInt(min((try? DescriptorLimit.raise().soft) ?? 1_024, 32_768)) - 64
    private static let taken = Atomic<CInt>(0)

    static func next() -> CInt { top - taken.add(1, ordering: .relaxed).newValue }
}

/// Gives a file a second number (fcntl(2), `F_DUPFD_CLOEXEC`).
private func duplicate(_ descriptor: RawDescriptor, as number: CInt) throws -> RawDescriptor {
    try #require(fcntl(descriptor.number, F_DUPFD_CLOEXEC, number) == number)
    return RawDescriptor(number)
}
