import Drivers
import Syscalls

/// Which way bytes flow through a descriptor, seen from this process.
public enum Direction: Sendable {
    /// Bytes, connections or signals come in.
    case read
    /// Bytes go out; a connection comes up.
    case write

    var interest: Interest { self == .read ? .readable : .writable }
}

/// The identity of one park, so that a late unpark finds nobody.
struct Ticket: Hashable, Sendable {
    let descriptor: RawDescriptor
    let direction: Direction
    fileprivate let sequence: UInt64
}

/// The parked tasks of one event loop, by what they wait for.
///
///     spaces   [ – | – | r:task installed r | – | r:– w:task installed rw | … ]
///              by descriptor number
///
/// A pure value: it makes no system call and resumes nobody. Each method answers what its owner
/// must now do, so that every step is tested without a kernel.
///
/// Interest is sticky. Who is unparked leaves the interest behind, because most come back for the
/// same; only when readiness arrives and nobody is there is it taken back.
struct ParkingLot<Parked> {
    /// A parked task and the ticket that it parked with.
    private struct Spot {
        var parked: Parked
        var sequence: UInt64
    }

    private struct Space {
        var reader: Spot?
        var writer: Spot?
        /// What the driver watches the descriptor for.
        var installed = Interest.none

        subscript(direction: Direction) -> Spot? {
            get { direction == .read ? reader : writer }
            set {
                switch direction {
                case .read: reader = newValue
                case .write: writer = newValue
                }
            }
        }
    }

    private var spaces: [Space] = []
    private var sequence: UInt64 = 0
    /// How many tasks are parked.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// Makes the identity of a park that is about to happen.
    mutating func makeTicket(for direction: Direction, of descriptor: RawDescriptor) -> Ticket {
        sequence += 1
        return Ticket(descriptor: descriptor, direction: direction, sequence: sequence)
    }

    /// What `park` asks its owner to do.
    enum Admission: Equatable {
        /// The task is parked, and the driver watches already.
        case parked
        /// The task is parked; the driver must be given this interest.
        case install(Interest)
        /// Somebody else is parked there.
        case busy
    }

    /// Parks a task under a ticket.
    mutating func park(_ parked: Parked, with ticket: Ticket) -> Admission {
        let index = ticket.descriptor.index
        while spaces.count <= index { spaces.append(Space()) }
        guard spaces[index][ticket.direction] == nil else { return .busy }
        spaces[index][ticket.direction] = Spot(parked: parked, sequence: ticket.sequence)
        count += 1
        let installed = spaces[index].installed
        let needed = installed.union(ticket.direction.interest)
        if needed == installed { return .parked }
        spaces[index].installed = needed
        return .install(needed)
    }

    /// Takes back a park whose interest the driver refused.
    mutating func refuse(_ ticket: Ticket) -> Parked? {
        let index = ticket.descriptor.index
        spaces[index].installed.remove(ticket.direction.interest)
        return unpark(ticket)
    }

    /// Who must be resumed, and what interest the driver must be left with.
    struct Unparked {
        var reader: Parked?
        var writer: Parked?
        /// The interest to set; nil when the driver has the right one.
        var interest: Interest?
    }

    /// Takes out whoever `readiness` concerns.
    ///
    /// With nobody parked in a direction that is ready and watched, its interest is taken back.
    mutating func unpark(_ readiness: Readiness) -> Unparked {
        var unparked = Unparked()
        let index = readiness.descriptor.index
        guard index < spaces.count else { return unparked }
        var unwanted = Interest.none
        if readiness.ready.contains(.readable) {
            unparked.reader = takeSpot(.read, at: index)
            if unparked.reader == nil { unwanted.insert(.readable) }
        }
        if readiness.ready.contains(.writable) {
            unparked.writer = takeSpot(.write, at: index)
            if unparked.writer == nil { unwanted.insert(.writable) }
        }
        unwanted = unwanted.intersection(spaces[index].installed)
        if !unwanted.isEmpty {
            spaces[index].installed.remove(unwanted)
            unparked.interest = spaces[index].installed
        }
        return unparked
    }

    /// Takes out the task that parked with `ticket`; nil when it has left, even if another is there
    /// now.
    mutating func unpark(_ ticket: Ticket) -> Parked? {
        let index = ticket.descriptor.index
        guard index < spaces.count,
            spaces[index][ticket.direction]?.sequence == ticket.sequence
        else { return nil }
        return takeSpot(ticket.direction, at: index)
    }

    /// Takes out those at a descriptor who meet a condition; the interest stays.
    mutating func unpark(
        _ descriptor: RawDescriptor, where isMeant: (Parked) -> Bool
    ) -> [Parked] {
        let index = descriptor.index
        guard index < spaces.count else { return [] }
        return [Direction.read, .write].compactMap { direction in
            guard let spot = spaces[index][direction], isMeant(spot.parked) else { return nil }
            return takeSpot(direction, at: index)
        }
    }

    /// Takes out everybody at a descriptor that is about to be closed, and forgets the descriptor.
    mutating func close(_ descriptor: RawDescriptor) -> Unparked {
        var unparked = Unparked()
        let index = descriptor.index
        guard index < spaces.count else { return unparked }
        unparked.reader = takeSpot(.read, at: index)
        unparked.writer = takeSpot(.write, at: index)
        if !spaces[index].installed.isEmpty { unparked.interest = Interest.none }
        spaces[index].installed = .none
        return unparked
    }

    /// Takes out everybody; the interest stays.
    mutating func removeAll() -> [Parked] {
        var everybody: [Parked] = []
        for index in spaces.indices {
            if let reader = takeSpot(.read, at: index) { everybody.append(reader) }
            if let writer = takeSpot(.write, at: index) { everybody.append(writer) }
        }
        return everybody
    }

    private mutating func takeSpot(_ direction: Direction, at index: Int) -> Parked? {
        guard let spot = spaces[index][direction] else { return nil }
        spaces[index][direction] = nil
        count -= 1
        return spot.parked
    }
}
