import Drivers
import Glibc
import Syscalls

/// The connections of one worker, in a row of plain memory, and which descriptor belongs to which.
///
///     connections   [ 0 | 1 | 2 | 3 ]          by index: those with requests, then the silent ones
///     indices       [ - - - - - 2 0 1 - 3 ]    by descriptor
///     rotation      2 → 0 → 3                  open loop: which takes the next request
///
/// In the rotation stand the connections that have a place for a request; one that takes a request
/// goes to its end. The list runs through the connections themselves, so it costs no memory and no
/// search.
struct ConnectionTable: ~Copyable {
    let connections: UnsafeMutablePointer<Connection>
    let count: Int
    /// Those that requests are made on; the others are silent.
    let loadedCount: Int
    /// Requests that a connection may hold at most, and those that it has places for at first.
    private(set) var places: Int
    private let placesAtFirst: Int
    /// How often there was no memory for more places.
    private(set) var refusals = 0
    /// Connections that are up, and those of them that are not silent.
    private(set) var upCount = 0
    private(set) var loadedUpCount = 0
    /// Connections that wait for the server's end of the stream.
    private(set) var closingCount = 0
    /// Requests on all of them that wait for their answer.
    var openRequests = 0

    private let opensForRequests: Bool
    private let numbers: Range<Int>
    private let silent: Range<Int>
    private let driver: any Driver
    private let requests: UnsafeMutablePointer<Connection.Request>
    /// -1 where the descriptor is none of ours.
    private var indices: [Int32] = []
    private var front: Int32 = -1
    private var back: Int32 = -1
    /// The first so many connections may stand in the rotation.
    private var dealtCount: Int

    /// Makes room for the connections with these numbers in the whole run; throws `ENOMEM`.
    init(
        numbers: Range<Int>, silent: Range<Int>, places: Int, plan: LoadPlan, driver: any Driver
    ) throws(Errno) {
        let isDatagram = plan.socket == .datagram
        let first =
            isDatagram
            ? Connection.datagramPlaces(pipeline: plan.pipeline)
            : plan.rate == nil ? places : min(places, ConnectionTable.fewPlaces)
        (requests, connections) = try ConnectionTable.memory(
            for: numbers.count + silent.count, requests: numbers.count * first)
        placesAtFirst = first
        self.numbers = numbers
        self.silent = silent
        self.places = places
        self.driver = driver
        opensForRequests = plan.connectsPerRequest
        loadedCount = numbers.count
        dealtCount = numbers.count
        count = numbers.count + silent.count
        for (index, number) in numbers.enumerated() {
            (connections + index).initialize(
                to: Connection(
                    number: number, requests: requests + index * placesAtFirst,
                    capacity: placesAtFirst, manner: plan.manner(ofConnection: number)))
        }
        if isDatagram { requests.initialize(repeating: .done, count: numbers.count * first) }
        for (index, number) in silent.enumerated() {
            // Nothing is ever put into its ring.
            (connections + loadedCount + index).initialize(
                to: Connection(number: number, requests: requests, capacity: 0, manner: .promptly))
        }
    }

    /// Places of an open loop's connection at first: a server that keeps up needs no more.
    private static let fewPlaces = 8

    /// Both rows, as they come: a page that no request ever needs is never touched.
    private static func memory(
        for connections: Int, requests: Int
    ) throws(Errno) -> (UnsafeMutablePointer<Connection.Request>, UnsafeMutablePointer<Connection>)
    {
        let row: UnsafeMutablePointer<Connection.Request> = try allocate(requests)
        do throws(Errno) {
            return (row, try allocate(connections))
        } catch {
            free(row)
            throw error
        }
    }

    /// Throws `ENOMEM` where Swift's own way to allocate would trap (posix_memalign(3)). What it
    /// gives begins with a cache line: a connection is two of them, and not a part of a third.
    private static func allocate<Value>(
        _ count: Int
    ) throws(Errno) -> UnsafeMutablePointer<Value> {
        let (bytes, isTooMuch) = MemoryLayout<Value>.stride.multipliedReportingOverflow(by: count)
        var memory: UnsafeMutableRawPointer?
        guard !isTooMuch, posix_memalign(&memory, 64, max(1, bytes)) == 0, let memory else {
            throw .outOfMemory
        }
        return memory.bindMemory(to: Value.self, capacity: count)
    }

    deinit {
        for index in 0..<loadedCount where connections[index].capacity > placesAtFirst {
            free(connections[index].requests)
        }
        free(connections)
        free(requests)
    }

    /// The connection's number in the whole run.
    func number(of index: Int) -> Int {
        index < loadedCount
            ? numbers.lowerBound + index : silent.lowerBound + index - loadedCount
    }

    /// The connection that a descriptor belongs to, if it is one of ours.
    @inline(__always)
    func index(of descriptor: RawDescriptor) -> Int? {
        guard descriptor.index < indices.count else { return nil }
        let index = indices[descriptor.index]
        return index < 0 ? nil : Int(index)
    }

    /// Puts a socket that is being connected into its place.
    mutating func adopt(_ descriptor: RawDescriptor, at index: Int, since now: Int64) {
        while indices.count <= descriptor.index { indices.append(-1) }
        indices[descriptor.index] = Int32(index)
        connections[index].descriptor = descriptor
        connections[index].state = .connecting
        connections[index].since = now
    }

    /// Takes a connection as up.
    mutating func markUp(_ index: Int, since now: Int64) {
        connections[index].state = .up
        connections[index].since = now
        connections[index].wasUp = true
        upCount += 1
        guard index < loadedCount else { return }
        loadedUpCount += 1
        offer(index)
    }

    /// Takes a connection as one that waits for the server's end of the stream.
    mutating func markClosing(_ index: Int, since now: Int64) {
        leaveUp(index)
        connections[index].state = .closing
        connections[index].since = now
        connections[index].reading = .readable
        closingCount += 1
    }

    private mutating func leaveUp(_ index: Int) {
        upCount -= 1
        if index < loadedCount { loadedUpCount -= 1 }
    }

    /// Sets what the driver watches a connection for.
    func watch(_ index: Int, for interest: Interest) throws(Errno) {
        try driver.setInterest(interest, in: connections[index].descriptor)
        connections[index].interest = interest
    }

    /// Closes a connection in any state.
    mutating func close(_ index: Int) {
        let descriptor = connections[index].descriptor
        if connections[index].state == .up { leaveUp(index) }
        if connections[index].state == .closing { closingCount -= 1 }
        connections[index].state = .closed
        connections[index].interest = []
        // Withdrawing interest changes a table of ours or fails because there was none.
        try? driver.setInterest([], in: descriptor)
        indices[descriptor.index] = -1
        descriptor.close()
    }

    // The rotation.

    /// Begins a new rotation of the first `count` connections, which hold `places` requests each.
    mutating func deal(to count: Int, places: Int) {
        for index in 0..<loadedCount { connections[index].isInRotation = false }
        (front, back, dealtCount, self.places) = (-1, -1, count, places)
        for index in 0..<count { offer(index) }
    }

    /// Puts a connection at the end of the rotation, if it has a place and does not stand there.
    @inline(__always)
    mutating func offer(_ index: Int) {
        guard index < dealtCount, hasPlace(index), !connections[index].isInRotation else { return }
        connections[index].isInRotation = true
        connections[index].behind = -1
        if back >= 0 { connections[Int(back)].behind = Int32(index) } else { front = Int32(index) }
        back = Int32(index)
    }

    /// Takes the first connection that has a place out of the rotation.
    mutating func takeFromRotation() -> Int? {
        while front >= 0 {
            let index = Int(front)
            front = connections[index].behind
            if front < 0 { back = -1 }
            connections[index].isInRotation = false
            if hasPlace(index), makeRoom(on: index) { return index }
        }
        return nil
    }

    /// Sees to it that the ring of a connection has room for one more request; false when there is
    /// no memory for a larger one. The connection takes part again when it has an answer.
    private mutating func makeRoom(on index: Int) -> Bool {
        let connection = connections + index
        let capacity = connection.pointee.capacity
        guard connection.pointee.openRequests + connection.pointee.waitingRequests == capacity,
            connection.pointee.manner != .byDatagrams
        else { return true }
        let wanted = min(places, 2 * capacity)
        do throws(Errno) {
            let former = connection.pointee.move(
                to: try ConnectionTable.allocate(wanted), capacity: wanted)
            if capacity > placesAtFirst { free(former) }
        } catch {
            refusals += 1
            return false
        }
        return true
    }

    /// Whether a connection can take a request: it is up, not at its limit, and the kernel takes
    /// its bytes; or it is not there yet, and opens for a request.
    @inline(__always)
    private func hasPlace(_ index: Int) -> Bool {
        let connection = connections + index
        if opensForRequests {
            return connection.pointee.state == .closed && connection.pointee.waitingRequests == 0
        }
        return connection.pointee.state == .up && connection.pointee.unsent == 0
            && connection.pointee.quota > 0
            && connection.pointee.openRequests + connection.pointee.waitingRequests < places
    }
}

extension LoadPlan {
    /// How the connection with that number is read.
    fileprivate func manner(ofConnection number: Int) -> Connection.Manner {
        if socket == .datagram { return .byDatagrams }
        return slowRead?.includes(number) ?? false ? .slowly : .promptly
    }
}

extension LoadPlan.SlowRead {
    /// Whether the connection with that number is one of them: the first is, and the rest at equal
    /// distances.
    func includes(_ number: Int) -> Bool {
        (Double(number + 1) * share).rounded(.up) > (Double(number) * share).rounded(.up)
    }
}
