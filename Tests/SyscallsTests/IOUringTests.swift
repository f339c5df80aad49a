import CLinux
import Glibc
import Syscalls
import Testing

private let isAllowed: Bool = {
    do {
        _ = try IOUring(capacity: 1, completions: 2)
        return true
    } catch {
        return false
    }
}()

/// The ring itself: what is handed over when, and what comes back.
@Suite(
    .enabled(if: isAllowed, "this machine refuses io_uring"), .timeLimit(.minutes(60)))
struct IOUringTests {
    /// A connected pair, closed when the test ends.
    private struct Pair: ~Copyable {
        let left: Descriptor
        let right: Descriptor

        init() throws {
            let ends = try makeSocketPair()
            left = Descriptor(adopting: ends.0)
            right = Descriptor(adopting: ends.1)
        }
    }

    private func expectTags(
        _ tags: [UInt64], of ring: inout IOUring,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let taken = ring.takeTags()
        #expect(taken == tags, sourceLocation: sourceLocation)
    }

    private func writable(_ descriptor: RawDescriptor, tag: UInt64) -> IOUring.Request {
        .poll(descriptor, events: UInt32(POLLOUT), isLasting: false, tag: tag)
    }

    private func readable(_ descriptor: RawDescriptor, tag: UInt64) -> IOUring.Request {
        .poll(descriptor, events: UInt32(POLLIN), isLasting: true, tag: tag)
    }

    private func send(_ text: String, from descriptor: RawDescriptor) throws {
        #expect(
            try Array(text.utf8).withUnsafeBytes { try descriptor.send($0) } == text.utf8.count)
    }

    @Test func `requests go over together with the wait, in one call`() throws {
        var ring = try IOUring(capacity: 16, completions: 32)
        let pair = try Pair()
        for tag in 1...10 { try ring.add(writable(pair.left.raw, tag: UInt64(tag))) }
        #expect(ring.enters == 0)
        #expect(ring.pending == 10)

        try ring.enterAndWait(nanoseconds: nil)

        #expect(ring.enters == 1)
        #expect(ring.pending == 0)
        expectTags(Array(1...10), of: &ring)
    }

    @Test func `requests beyond the capacity go over early`() throws {
        var ring = try IOUring(capacity: 4, completions: 64)
        let pair = try Pair()

        for tag in 1...10 { try ring.add(writable(pair.left.raw, tag: UInt64(tag))) }

        #expect(ring.enters == 2)
        #expect(ring.pending == 2)
        try ring.enter()
        expectTags(Array(1...10), of: &ring)
    }

    @Test func `completions that do not fit come later and in order`() throws {
        var ring = try IOUring(capacity: 4, completions: 4)
        let pair = try Pair()
        for tag in 1...50 { try ring.add(writable(pair.left.raw, tag: UInt64(tag))) }

        var tags: [UInt64] = []
        for _ in 0..<50 {
            try ring.enter()
            tags += ring.takeTags()
        }

        #expect(tags == Array(1...50))
    }

    @Test(arguments: [1, 999, 1_000_000, 1_500_001] as [Int64])
    func `a wait ends with nothing when its time has passed, and not before`(
        nanoseconds: Int64
    ) throws {
        var ring = try IOUring(capacity: 4, completions: 8)
        let pair = try Pair()
        try ring.add(readable(pair.left.raw, tag: 1))
        let deadline = Instant.now.advanced(byNanoseconds: nanoseconds)

        try ring.enterAndWait(nanoseconds: nanoseconds)

        #expect(Instant.now >= deadline)
        expectTags([], of: &ring)
    }

    @Test func `a lasting poll completes at each arrival`() throws {
        var ring = try IOUring(capacity: 4, completions: 8)
        let pair = try Pair()
        try ring.add(readable(pair.left.raw, tag: 7))

        for _ in 0..<3 {
            try ring.enter()
            expectTags([], of: &ring)
            try send("x", from: pair.right.raw)
            try ring.enterAndWait(nanoseconds: nil)
            let completion = try ring.next()
            #expect(completion.tag == 7)
            #expect(completion.hasMore)
            #expect(completion.result & CInt(POLLIN) != 0)
        }
    }

    @Test func `what is ended completes as cancelled, and lets its file go`() throws {
        var ring = try IOUring(capacity: 4, completions: 8)
        let ends = try makeSocketPair()
        let right = Descriptor(adopting: ends.1)
        try ring.add(readable(ends.0, tag: 7))
        try ring.enter()

        try ring.add(.end(tagged: 7, tag: 8))
        ends.0.close()
        try ring.enter()

        let completion = try ring.next()
        #expect(completion.tag == 7)
        #expect(completion.error?.rawValue == ECANCELED)
        #expect(!completion.hasMore)
        expectTags([], of: &ring)
        var byte: UInt8 = 0
        #expect(try withUnsafeMutableBytes(of: &byte) { try right.raw.receive(into: $0) } == 0)
    }

    @Test func `only an end that has found nothing completes itself`() throws {
        var ring = try IOUring(capacity: 4, completions: 8)

        try ring.add(.end(tagged: 7, tag: 8))
        try ring.enter()

        let completion = try ring.next()
        #expect(completion.tag == 8)
        #expect(completion.error == .noEntry)
    }

    @Test func `what arrives is in a shared buffer until that is offered again`() throws {
        var ring = try IOUring(capacity: 4, completions: 8)
        var buffers = try IOUringBuffers(count: 2, size: 16, group: 3, on: ring)
        let pair = try Pair()
        for round in 0..<9 {
            try ring.add(.receiveEach(pair.left.raw, into: 3, tag: 7))
            // Two buffers hold two messages; what comes next ends the receiving.
            var taken: [Int] = []
            for text in ["one", "two"] {
                try send(text, from: pair.right.raw)
                try ring.enterAndWait(nanoseconds: nil)
                let completion = try ring.next()
                let buffer = try #require(completion.buffer)
                #expect(Array(buffers.bytes(of: buffer, count: 3)) == Array(text.utf8))
                taken.append(buffer)
            }
            #expect(Set(taken) == [0, 1])
            try send("three", from: pair.right.raw)
            try ring.enterAndWait(nanoseconds: nil)
            let full = try ring.next()
            #expect(full.error == .noBufferSpace, "round \(round)")
            #expect(!full.hasMore)
            for buffer in taken { buffers.offer(buffer) }
            var rest = [UInt8](repeating: 0, count: 16)
            #expect(try rest.withUnsafeMutableBytes { try pair.left.raw.receive(into: $0) } == 5)
        }
    }

    @Test func `an older kernel is asked for less`() throws {
        var asked: [UInt32] = []

        _ = try IOUring(capacity: 4, completions: 8) { capacity, parameters in
            asked.append(parameters.flags)
            if asked.count == 1 {
                errno = EINVAL
                return -1
            }
            return clinux_io_uring_setup(capacity, &parameters)
        }

        #expect(asked.count == 2)
        #expect(asked.first != asked.last)
    }

    @Test(arguments: [
        (EPERM, Errno.notPermitted), (ENOSYS, .notImplemented), (EINVAL, .notImplemented),
        (ENOMEM, .outOfMemory),
    ])
    func `a refusal is told as it is`(number: CInt, error: Errno) {
        #expect(throws: error) {
            _ = try IOUring(capacity: 4, completions: 8) { _, _ in
                errno = number
                return -1
            }
        }
    }

    @Test func `a kernel that lacks a feature counts as one without io_uring`() {
        #expect(throws: Errno.notImplemented) {
            _ = try IOUring(capacity: 4, completions: 8) { capacity, parameters in
                let number = clinux_io_uring_setup(capacity, &parameters)
                parameters.features &= ~IORING_FEAT_EXT_ARG
                return number
            }
        }
    }
}

extension IOUring {
    /// The completion that must be there.
    fileprivate mutating func next() throws -> Completion {
        let completion = take()
        return try #require(completion)
    }

    /// The tags of everything that has completed.
    fileprivate mutating func takeTags() -> [UInt64] {
        var tags: [UInt64] = []
        while let completion = take() { tags.append(completion.tag) }
        return tags
    }
}
