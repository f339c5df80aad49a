import Drivers
import Syscalls
import Testing

@testable import Swiftlet

@Suite final class ParkingLotTests {
    let socket = RawDescriptor(7)
    let stay = Stay(call: Call(#fileID, #line), since: .past)
    var lot = ParkingLot<String>()

    private func park(_ name: String, _ direction: Direction)
        -> ParkingLot<String>.Admission
    {
        lot.park(name, with: lot.makeTicket(for: direction, of: socket), for: stay)
    }

    @Test func `the first park of a direction asks for its interest`() {
        #expect(park("reader", .read) == .install(.readable))
        #expect(park("writer", .write) == .install(.both))
        #expect(lot.count == 2)
    }

    @Test func `a second task in the same direction is turned away`() {
        _ = park("first", .read)

        #expect(park("second", .read) == .busy)
        #expect(lot.count == 1)
        #expect(lot.unpark(Readiness(socket, .readable)).reader == "first")
    }

    @Test func `interest is sticky: who comes back needs no change`() {
        _ = park("reader", .read)
        let unparked = lot.unpark(Readiness(socket, .readable))

        #expect(unparked.reader == "reader")
        #expect(unparked.interest == nil)
        #expect(park("reader", .read) == .parked)
    }

    @Test func `readiness with nobody parked takes the interest back, once`() {
        _ = park("reader", .read)
        _ = lot.unpark(Readiness(socket, .readable))
        let idle = lot.unpark(Readiness(socket, .readable))

        #expect(idle.reader == nil)
        #expect(idle.interest == Interest.none)
        #expect(lot.unpark(Readiness(socket, .readable)).interest == nil)
        #expect(park("reader", .read) == .install(.readable))
    }

    @Test func `a reader that leaves lets the writer wait`() {
        _ = park("reader", .read)
        _ = park("writer", .write)
        let unparked = lot.unpark(Readiness(socket, .readable))

        #expect(unparked.reader == "reader")
        #expect(unparked.writer == nil)
        #expect(unparked.interest == nil)
        // Ready to read again, and nobody reads: only that half of the interest goes.
        #expect(lot.unpark(Readiness(socket, .readable)).interest == .writable)
    }

    @Test func `a hang-up reaches both`() {
        _ = park("reader", .read)
        _ = park("writer", .write)
        let unparked = lot.unpark(Readiness(socket, .both))

        #expect(unparked.reader == "reader")
        #expect(unparked.writer == "writer")
        #expect(lot.count == 0)
    }

    @Test func `a hang-up with nobody parked takes everything back`() {
        _ = park("reader", .read)
        _ = lot.unpark(Readiness(socket, .readable))

        #expect(lot.unpark(Readiness(socket, .both)).interest == Interest.none)
    }

    @Test func `a late ticket finds nobody, even if another task is there`() {
        let old = lot.makeTicket(for: .read, of: socket)
        _ = lot.park("first", with: old, for: stay)
        _ = lot.unpark(Readiness(socket, .readable))
        _ = park("second", .read)

        #expect(lot.unpark(old) == nil)
        #expect(lot.count == 1)
    }

    @Test func `a ticket works once`() {
        let ticket = lot.makeTicket(for: .write, of: socket)
        _ = lot.park("writer", with: ticket, for: stay)

        #expect(lot.unpark(ticket) == "writer")
        #expect(lot.unpark(ticket) == nil)
    }

    @Test func `a refused interest is forgotten together with the park`() {
        let ticket = lot.makeTicket(for: .read, of: socket)
        _ = lot.park("reader", with: ticket, for: stay)

        #expect(lot.refuse(ticket) == "reader")
        #expect(lot.count == 0)
        #expect(park("reader", .read) == .install(.readable))
    }

    @Test func `closing takes everybody out and the interest back`() {
        _ = park("reader", .read)
        _ = park("writer", .write)
        let unparked = lot.close(socket)

        #expect(unparked.reader == "reader")
        #expect(unparked.writer == "writer")
        #expect(unparked.interest == Interest.none)
        #expect(lot.count == 0)
        // A reused number starts anew.
        #expect(park("reader", .read) == .install(.readable))
    }

    @Test func `closing a number that nobody parked on does nothing`() {
        let unparked = lot.close(RawDescriptor(99))

        #expect(unparked.reader == nil)
        #expect(unparked.interest == nil)
    }

    @Test func `readiness of an unknown number is ignored`() {
        #expect(lot.unpark(Readiness(RawDescriptor(99), .both)).interest == nil)
    }

    @Test func `those who meet a condition are taken out, the others stay`() {
        _ = park("reader", .read)
        _ = park("writer", .write)

        #expect(lot.unpark(socket, where: { $0 == "writer" }) == ["writer"])
        #expect(lot.removeAll() == ["reader"])
        #expect(lot.count == 0)
    }

    @Test func `who is parked can be told, by descriptor`() {
        _ = park("writer", .write)
        _ = park("reader", .read)
        let lower = RawDescriptor(3)
        _ = lot.park("first", with: lot.makeTicket(for: .read, of: lower), for: stay)

        #expect(lot.all.map(\.parked) == ["first", "reader", "writer"])
        #expect(lot.all.map(\.descriptor) == [lower, socket, socket])
    }
}
