import Drivers
import Syscalls

/// The identity of one park, so that a late unpark finds no task.
struct Ticket: Hashable, Sendable {
    let descriptor: RawDescriptor
    let direction: Direction
    fileprivate let sequence: UInt64
}

/// The parked tasks of one event loop, by what they wait for.
///
///     readers    [ – | – | task | – | –    | … ]     by descriptor number
///     writers    [ – | – | –    | – | task ]         up to the highest one that ever was
///     installed  [ – | – | r    | – | rw   | … ]     what the driver watches for
///
/// Apart, because a task hardly ever waits to write, and what is not there costs no memory.
///
/// A pure value: it makes no system call and resumes no task. Each method answers what its owner
/// must now do, so that every step is tested without a kernel.
///
/// Interest is sticky. A task that is unparked leaves its interest behind, because most come back
/// for the same; only when readiness arrives and no task is there is it taken back.
struct ParkingLot<Parked>: ~Copyable {
    /// A parked task and the ticket that it parked with.
    ///
    /// Not private: Swift 6.3.1 fails to compile the owner of its memory if it is.
    struct Spot {
        var parked: Parked
        var sequence: UInt64
        /// For reports alone.
        var stay: Stay
    }

    private var readers = OwnedArray<Spot?>()
    private var writers = OwnedArray<Spot?>()
    /// What the driver watches each descriptor for.
    private var installed = OwnedArray<Interest>()
    private var sequence: UInt64 = 0
    /// How many tasks are parked.
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    /// How many descriptors the tables have a row for.
    var descriptors: Int { installed.count }

    /// Whether the tables have a row for a descriptor.
    func reaches(_ descriptor: RawDescriptor) -> Bool {
        installed.indices.contains(descriptor.index)
    }

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
        /// Another task is parked there.
        case busy
    }

    /// Parks a task under a ticket.
    ///
    /// Inlined, because passing all of it on costs more than keeping it.
    @inline(__always)
    mutating func park(_ parked: Parked, with ticket: Ticket, for stay: Stay) -> Admission {
        let index = ticket.descriptor.index
        if installed.count <= index { reach(index) }
        guard !isTaken(ticket.direction, at: index) else { return .busy }
        let spot = Spot(parked: parked, sequence: ticket.sequence, stay: stay)
        switch ticket.direction {
        case .read: readers[index] = spot
        case .write:
            while writers.count <= index { writers.append(nil) }
            writers[index] = spot
        }
        count += 1
        let needed = installed[index].union(ticket.direction.interest)
        if needed == installed[index] { return .parked }
        installed[index] = needed
        return .install(needed)
    }

    @inline(never)
    private mutating func reach(_ index: Int) {
        while installed.count <= index {
            readers.append(nil)
            installed.append(.none)
        }
    }

    /// Takes back a park whose interest the driver refused.
    mutating func refuse(_ ticket: Ticket) -> Parked? {
        let index = ticket.descriptor.index
        installed[index].remove(ticket.direction.interest)
        return unpark(ticket)
    }

    /// The tasks that must be resumed, and what interest the driver must be left with.
    struct Unparked {
        var reader: Parked?
        var writer: Parked?
        /// The interest to set; nil when the driver has the right one.
        var interest: Interest?
    }

    /// Takes out the reader at a descriptor that is readable; nil when there is none.
    ///
    /// Nearly every readiness is that, and this is all that there is to it.
    @inline(__always)
    mutating func unparkReader(_ descriptor: RawDescriptor) -> Parked? {
        let index = descriptor.index
        guard index < readers.count, let spot = readers[index] else { return nil }
        readers[index] = nil
        count -= 1
        return spot.parked
    }

    /// Takes out the tasks that `readiness` concerns.
    ///
    /// With no task parked in a direction that is ready and watched, its interest is taken back.
    mutating func unpark(_ readiness: Readiness) -> Unparked {
        var unparked = Unparked()
        let index = readiness.descriptor.index
        guard index < installed.count else { return unparked }
        var unwanted = Interest.none
        if readiness.ready.contains(.readable) {
            unparked.reader = takeSpot(.read, at: index)
            if unparked.reader == nil { unwanted.insert(.readable) }
        }
        if readiness.ready.contains(.writable) {
            unparked.writer = takeSpot(.write, at: index)
            if unparked.writer == nil { unwanted.insert(.writable) }
        }
        unwanted = unwanted.intersection(installed[index])
        if !unwanted.isEmpty {
            installed[index].remove(unwanted)
            unparked.interest = installed[index]
        }
        return unparked
    }

    /// Takes out the task that parked with `ticket`; nil when it has left, even if another is there
    /// now.
    mutating func unpark(_ ticket: Ticket) -> Parked? {
        let index = ticket.descriptor.index
        guard index < installed.count,
            spot(ticket.direction, at: index)?.sequence == ticket.sequence
        else { return nil }
        return takeSpot(ticket.direction, at: index)
    }

    /// Takes out the tasks at a descriptor that meet a condition; the interest stays.
    mutating func unpark(
        _ descriptor: RawDescriptor, where isMeant: (Parked) -> Bool
    ) -> [Parked] {
        let index = descriptor.index
        guard index < installed.count else { return [] }
        return [Direction.read, .write].compactMap { direction in
            guard let spot = spot(direction, at: index), isMeant(spot.parked) else { return nil }
            return takeSpot(direction, at: index)
        }
    }

    /// Takes out every task at a descriptor that is about to be closed, and forgets the descriptor.
    mutating func close(_ descriptor: RawDescriptor) -> Unparked {
        var unparked = Unparked()
        let index = descriptor.index
        guard reaches(descriptor) else { return unparked }
        unparked.reader = takeSpot(.read, at: index)
        unparked.writer = takeSpot(.write, at: index)
        if !installed[index].isEmpty { unparked.interest = Interest.none }
        installed[index] = .none
        return unparked
    }

    /// Takes out every task; the interest stays.
    mutating func removeAll() -> [Parked] {
        var parked: [Parked] = []
        for index in installed.indices {
            if let reader = takeSpot(.read, at: index) { parked.append(reader) }
            if let writer = takeSpot(.write, at: index) { parked.append(writer) }
        }
        return parked
    }

    /// Every parked task, by descriptor; the reader before the writer.
    var all: [(descriptor: RawDescriptor, direction: Direction, parked: Parked, stay: Stay)] {
        installed.indices.flatMap { index in
            [Direction.read, .write].compactMap { direction in
                spot(direction, at: index).map {
                    (RawDescriptor(CInt(index)), direction, $0.parked, $0.stay)
                }
            }
        }
    }

    @inline(__always)
    private func isTaken(_ direction: Direction, at index: Int) -> Bool {
        direction == .read ? readers[index] != nil : spot(.write, at: index) != nil
    }

    private func spot(_ direction: Direction, at index: Int) -> Spot? {
        switch direction {
        case .read: readers[index]
        case .write: index < writers.count ? writers[index] : nil
        }
    }

    private mutating func takeSpot(_ direction: Direction, at index: Int) -> Parked? {
        let spot: Spot?
        switch direction {
        case .read: spot = readers[index].take()
        case .write: spot = index < writers.count ? writers[index].take() : nil
        }
        guard let spot else { return nil }
        count -= 1
        return spot.parked
    }
}
