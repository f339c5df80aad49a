import Glibc
import Testing

@testable import Drivers

/// What is asked of the kernel for one descriptor, and when it need not be asked again.
@Suite struct IOUringWatchTests {
    /// A watch whose readiness is used up, with a lasting request in flight.
    private func steady(_ interest: Interest = .readable) -> IOUringWatch {
        var watch = IOUringWatch()
        watch.ask(for: interest)
        watch.useUp(interest)
        #expect(watch.arm().isLasting)
        return watch
    }

    @Test func `a steady conversation needs no second request`() {
        var watch = steady()

        for _ in 0..<3 {
            #expect(watch.complete(CInt(POLLIN), hasMore: true) == .readable)
            watch.useUp(.readable)
            #expect(!watch.needsRequest)
        }
    }

    @Test func `what may be ready already is asked for once, and again until it is used up`() {
        var watch = IOUringWatch()
        watch.ask(for: .readable)

        for _ in 0..<3 {
            #expect(watch.needsRequest)
            #expect(!watch.arm().isLasting)
            #expect(!watch.needsRequest)
            #expect(watch.complete(CInt(POLLIN), hasMore: false) == .readable)
        }
        watch.useUp(.readable)

        #expect(watch.needsRequest)
        #expect(watch.arm().isLasting)
    }

    @Test func `what a lasting request has found and nobody used is asked for again`() {
        var watch = steady()

        #expect(watch.complete(CInt(POLLIN), hasMore: true) == .readable)

        #expect(watch.needsRequest)
        #expect(!watch.arm().isLasting)
    }

    @Test func `after the end of the stream no read counts as having used it up`() {
        var watch = steady()

        #expect(watch.complete(CInt(POLLIN) | 0x2000, hasMore: true) == .readable)
        watch.useUp(.readable)

        #expect(watch.needsRequest)
        #expect(!watch.arm().isLasting)
    }

    @Test func `what may be behind an urgent mark is asked for when nothing came for a while`() {
        var watch = steady()

        // The kernel says it of ordinary bytes, too, so that alone costs no request.
        #expect(watch.complete(CInt(POLLIN | POLLPRI), hasMore: true) == .readable)
        watch.useUp(.readable)
        #expect(watch.mayHaveMark && !watch.needsRequest)
        let isQuiet = watch.askAgainIfQuiet()
        #expect(!isQuiet && !watch.needsRequest)

        let isQuietNow = watch.askAgainIfQuiet()
        #expect(isQuietNow && !watch.mayHaveMark && watch.needsRequest)
        #expect(!watch.arm().isLasting)
    }

    @Test func `the end of the stream is nothing to who waits for room`() {
        var watch = IOUringWatch()
        watch.ask(for: .writable)
        _ = watch.arm()

        // The kernel tells of it unasked, and a request that asks once would only tell it again.
        #expect(watch.complete(0x2000, hasMore: false) == .none)

        #expect(watch.needsRequest)
        #expect(watch.arm().isLasting)
        #expect(watch.complete(CInt(POLLOUT) | 0x2000, hasMore: true) == .writable)
        watch.useUp(.writable)
        #expect(!watch.needsRequest)
    }

    @Test(arguments: [-EBADF, CInt(POLLERR), CInt(POLLHUP), CInt(POLLNVAL)])
    func `what is broken is ready in both directions`(result: CInt) {
        var watch = steady()

        #expect(watch.complete(result, hasMore: false) == .both)
        watch.useUp(.readable)

        #expect(watch.needsRequest)
    }

    @Test func `after an error that was told a lasting request is enough again`() {
        var watch = steady()

        #expect(watch.complete(CInt(POLLERR), hasMore: false) == .both)
        watch.useUp(.both)

        #expect(watch.arm().isLasting)
    }

    @Test func `another interest needs another request`() {
        var watch = steady()

        watch.ask(for: .both)

        #expect(watch.needsRequest)
        #expect(watch.arm().events == steady(.both).armedEvents)
    }

    @Test func `a withdrawn interest needs none and remembers nothing`() {
        var watch = steady()
        _ = watch.complete(CInt(POLLHUP), hasMore: false)

        watch.ask(for: .none)
        #expect(!watch.needsRequest)

        watch.ask(for: .readable)
        watch.useUp(.readable)
        #expect(watch.arm().isLasting)
    }

    @Test func `a completion of an earlier request concerns nobody`() {
        var watch = steady()
        let late = watch.tag(7)
        #expect(watch.isAwaiting(late))

        watch.disarm()
        #expect(!watch.isAwaiting(late))
        _ = watch.arm()

        #expect(!watch.isAwaiting(late))
        #expect(watch.isAwaiting(watch.tag(7)))
    }
}

extension IOUringWatch {
    fileprivate var armedEvents: UInt32 {
        var again = self
        return again.arm().events
    }
}
