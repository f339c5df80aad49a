import Drivers
import Glibc
import Syscalls
import Testing

// The part of the contract that is about readiness that somebody has used up, and says so.

extension DriverContractTests {
    @Test(arguments: DriverUnderTest.all)
    func `what comes after readiness was used up is reported`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)

        for _ in 0..<5 {
            try setting.sendByte(from: peer)
            #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
            try setting.drain(watched)
            setting.driver.usedUp(.readable, of: watched)
            #expect(try setting.look().isEmpty)
        }
    }

    @Test(arguments: DriverUnderTest.all)
    func `room that comes after it was used up is reported`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.writable, in: watched)

        for _ in 0..<3 {
            #expect(try setting.waitForReadiness() == [Readiness(watched, .writable)])
            try setting.fill(from: watched)
            setting.driver.usedUp(.writable, of: watched)
            #expect(try setting.look().isEmpty)
            try setting.drain(peer)
        }
    }

    @Test(arguments: DriverUnderTest.all)
    func `what arrives before somebody says used up is not lost when it was read`(
        kind: DriverUnderTest
    ) throws {
        // A reader takes more than was reported; the news of the rest comes late and is a hint.
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)
        try setting.drain(watched)
        setting.driver.usedUp(.readable, of: watched)
        #expect(try setting.look().isEmpty)
        try setting.sendByte(from: peer)
        #expect(try setting.look() == [Readiness(watched, .readable)])

        try setting.sendByte(from: peer)
        try setting.drain(watched)
        setting.driver.usedUp(.readable, of: watched)
        try setting.sendByte(from: peer)

        #expect(try setting.look() == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `the end of a stream that came with its last bytes is reported after them`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)
        #expect(try setting.look().isEmpty)
        setting.driver.usedUp(.readable, of: watched)
        #expect(try setting.look().isEmpty)

        try setting.sendByte(from: peer)
        try setting.sockets.closeWrite(peer)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
        // A short read empties the socket, and says nothing of the end.
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = try buffer.withUnsafeMutableBytes {
            try setting.sockets.receive(watched, into: $0)
        }
        #expect(count == 1)
        setting.driver.usedUp(.readable, of: watched)

        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `a full descriptor whose peer sends no more does not spin a wait for room`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.fill(from: watched)
        try setting.driver.setInterest(.writable, in: watched)
        try setting.sockets.closeWrite(peer)

        for _ in 0..<2 {
            let waits = try setting.waits(
                until: setting.driver.now.advanced(by: .milliseconds(20)))
            #expect(waits.ready.isEmpty)
            #expect(waits.count <= Setting.fewWaits)
        }

        try setting.drain(peer)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .writable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `one direction that is used up leaves the other as it is`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.both, in: watched)
        try setting.sendByte(from: peer)
        #expect(try setting.waitForReadiness() == [Readiness(watched, .both)])

        try setting.drain(watched)
        setting.driver.usedUp(.readable, of: watched)

        #expect(try setting.look() == [Readiness(watched, .writable)])
    }

    @Test(arguments: DriverUnderTest.all)
    func `what is closed after its withdrawal is gone at once`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()
        try setting.driver.setInterest(.readable, in: watched)
        #expect(try setting.look().isEmpty)

        try setting.driver.setInterest([], in: watched)
        setting.close(watched)

        // No wait comes in between: a driver must not hold the file open until then.
        var buffer = [UInt8](repeating: 0, count: 16)
        let count = try buffer.withUnsafeMutableBytes {
            try setting.sockets.receive(peer, into: $0)
        }
        #expect(count == 0)
    }

    @Test(arguments: DriverUnderTest.all)
    func `saying used up of what nobody asked for is harmless`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.makePair()

        setting.driver.usedUp(.both, of: watched)
        setting.driver.usedUp(.both, of: RawDescriptor(-1))
        try setting.driver.setInterest(.readable, in: watched)
        try setting.sendByte(from: peer)

        #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `what is behind an urgent mark is reported although a short read stopped there`(
        kind: DriverUnderTest
    ) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.sockets.connectedPair()
        defer { [watched, peer].forEach(setting.close) }
        try setting.driver.setInterest(.readable, in: watched)
        #expect(try setting.look().isEmpty)
        setting.driver.usedUp(.readable, of: watched)
        for (text, flags) in [("abc", 0), ("!", Int32(MSG_OOB)), ("def", 0)] {
            #expect(Glibc.send(peer.number, text, text.utf8.count, flags) > 0)
        }

        var parts: [String] = []
        while parts.joined().count < 6 {
            #expect(try setting.waitForReadiness() == [Readiness(watched, .readable)])
            var buffer = [UInt8](repeating: 0, count: 16)
            let count = try buffer.withUnsafeMutableBytes {
                try setting.sockets.receive(watched, into: $0)
            }
            parts.append(String(decoding: buffer[..<count], as: UTF8.self))
            setting.driver.usedUp(.readable, of: watched)
        }

        #expect(parts == ["abc", "def"])
    }

    @Test(arguments: DriverUnderTest.kernel)
    func `an urgent mark with nothing behind it ends few waits`(kind: DriverUnderTest) throws {
        let setting = try kind.open()
        let (watched, peer) = try setting.sockets.connectedPair()
        defer { [watched, peer].forEach(setting.close) }
        try setting.driver.setInterest(.readable, in: watched)
        #expect(Glibc.send(peer.number, "!", 1, Int32(MSG_OOB)) == 1)
        _ = try setting.look()
        try setting.drain(watched)
        setting.driver.usedUp(.readable, of: watched)

        let soon = setting.driver.now.advanced(by: .milliseconds(20))

        #expect(try setting.waits(until: soon).count < Setting.fewWaits)
    }
}
