import Drivers
import Syscalls
import Testing

@testable import SwiftletSimulation

/// Recorded steps as bytes, and whatever else a file may hold.
@Suite struct TapeTests {
    @Test(arguments: 0..<200)
    func `a tape comes back from its file as it was`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let tape = try random.tape()

        #expect(try Tape(file: tape.file) == tape)
    }

    @Test func `each call has its form at the place of its code`() {
        #expect(RecordedCall.forms.map(\.code) == RecordedCall.Code.allCases)
    }

    /// The digest is of what the version before the table of calls has written, of the same steps.
    @Test func `files look as the first version of the format does`() throws {
        var random = SeededRandom(seed: 2026)
        var digest = TraceDigest()
        for _ in 0..<200 { try random.tape().file.withUnsafeBytes { digest.add($0) } }

        #expect(String(digest.value, radix: 16) == "4ee1a62faa995a89")
    }

    @Test(arguments: 0..<50)
    func `steps of calls that came later come back, too`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let steps = try (0..<20).map { _ in try random.laterStep() }
        var tape = Tape()
        for step in steps { tape.add(step, limit: .max) }

        #expect(try Array(Tape(file: tape.file)) == steps)
    }

    @Test func `a step reads as a sentence`() {
        let call = RecordedCall(
            .send, .descriptor(RawDescriptor(7)), .count(5), .digest(0xFF))
        let step = RecordedStep(call: call, answer: .told(.count(3)))
        let done = RecordedStep(
            call: .init(.close, .descriptor(RawDescriptor(7))), answer: .told(.done))

        #expect("\(step)" == "send 5 bytes with the digest ff to descriptor 7: 3 bytes")
        #expect("\(done)" == "close descriptor 7: done")
    }

    @Test func `the steps of a tape are those that were added`() throws {
        var random = SeededRandom(seed: 1)
        let steps = try (0..<500).map { _ in try random.step() }
        var tape = Tape()
        for step in steps { tape.add(step, limit: .max) }

        #expect(Array(tape) == steps)
        #expect(tape.count == 500)
    }

    @Test(arguments: 0..<20)
    func `a file that ends too early is truncated, wherever it ends`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        let file = try random.tape().file

        for count in file.indices {
            #expect(throws: RecordingError.Reason.truncated) {
                try Tape(file: Array(file[..<count]))
            }
        }
    }

    @Test(arguments: 0..<20)
    func `a file with one bit changed is refused`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var file = try random.tape().file

        for index in file.indices {
            let bit = UInt8(1) << UInt8(random.number(below: 8))
            file[index] ^= bit
            #expect(throws: RecordingError.Reason.self) { try Tape(file: file) }
            file[index] ^= bit
        }
    }

    @Test func `a file of something else is foreign`() {
        #expect(throws: RecordingError.Reason.foreign) { try Tape(file: Array("PNG".utf8)) }
        #expect(throws: RecordingError.Reason.truncated) { try Tape(file: []) }
    }

    @Test func `a file of another version is told by its version`() throws {
        let title = "Swiftlet recording\n"
        var file = Tape().file
        file[title.utf8.count] = 99

        #expect(throws: RecordingError.Reason.version(99)) { try Tape(file: file) }
    }

    @Test func `more behind the end of a recording is damage`() {
        #expect(throws: RecordingError.Reason.damaged) { try Tape(file: Tape().file + [0]) }
    }

    @Test(arguments: 0..<500)
    func `any bytes are steps or refused`(seed: Int) throws {
        var random = SeededRandom(seed: UInt64(seed))
        var bytes = try random.tape().bytes
        for _ in 0..<random.number(below: 8) where !bytes.isEmpty {
            bytes[random.number(below: bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        var reader = TapeReader(bytes[...])

        do throws(TapeReader.Damage) {
            while !reader.isAtEnd { _ = try reader.readStep() }
        } catch {
            #expect(error.offset <= bytes.count)
        }
    }

    @Test func `a loop is never told of a descriptor that would need an endless table`() {
        for number in [-1, Tape.descriptorsMax, .max] {
            var tape = Tape()
            let step = RecordedStep(
                call: .init(.wait, .deadline(.never)),
                answer: .told(.ready([Readiness(RawDescriptor(number), .readable)])))
            tape.add(step, limit: .max)

            #expect(throws: RecordingError.Reason.damaged) { try Tape(file: tape.file) }
        }
    }

    @Test func `more bytes than were asked for are damage`() {
        let socket = RecordedField.descriptor(RawDescriptor(3))
        let received = RecordedStep(
            call: .init(.receive, socket, .count(1)), answer: .told(.bytes([1, 2])))
        let sent = RecordedStep(
            call: .init(.send, socket, .count(1), .digest(0)), answer: .told(.count(2)))

        for step in [received, sent] {
            var tape = Tape()
            tape.add(step, limit: .max)
            #expect(throws: RecordingError.Reason.damaged) { try Tape(file: tape.file) }
        }
    }

    @Test func `a tape that is full keeps its beginning and takes nothing more`() {
        let short = RecordedStep(
            call: .init(.now), answer: .told(.instant(Instant(nanoseconds: 1))))
        let long = RecordedStep(
            call: .init(.receive, .descriptor(RawDescriptor(3)), .count(100)),
            answer: .told(.bytes(Array(repeating: 7, count: 100))))
        var tape = Tape()
        for step in [short, long, short] { tape.add(step, limit: 50) }

        #expect(Array(tape) == [short])
        #expect(tape.isCut)
    }

    @Test func `bytes that differ have different digests`() {
        let texts = ["", "a", "b", "aaaaaaaa", "aaaaaaab", "aaaaaaaaa", "aaaaaaaab", "baaaaaaaa"]
        let digests = texts.map { text in
            Array(text.utf8).withUnsafeBytes { bytes in
                var digest = TraceDigest()
                digest.add(bytes)
                return digest.value
            }
        }

        #expect(Set(digests).count == texts.count)
    }

    @Test func `what is used up is passed on and not recorded`() throws {
        let recording = Recording()
        let driver = try JumpingDriver()
        recording.begin()
        RecordingDriver(driver, into: recording).usedUp(.readable, of: RawDescriptor(3))
        recording.end()

        #expect(driver.usedUp == [Readiness(RawDescriptor(3), .readable)])
        #expect(recording.steps == 0)
    }
}
