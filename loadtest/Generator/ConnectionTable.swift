import Drivers
import Syscalls

/// The connections of one worker, in a row of plain memory, and which descriptor belongs to which.
///
///     connections   [ 0 | 1 | 2 | 3 ]          by index; the number in the report is first + index
///     indices       [ - - - - - 2 0 1 - 3 ]    by descriptor
///     rotation      2 → 0 → 3                  open loop: who takes the next request
///
/// In the rotation stand the connections that have a place for a request; whoever takes one goes to
/// its end. The list runs through the connections themselves, so it costs no memory and no search.
struct ConnectionTable: ~Copyable {
    let connections: UnsafeMutablePointer<Connection>
    let count: Int
    /// Requests that a connection can hold.
    let places: Int
    /// Connections that are up.
    private(set) var upCount = 0
    /// Requests on all of them that wait for their answer.
    var openRequests = 0

    private let first: Int
    private let driver: any Driver
    private let requests: UnsafeMutablePointer<Connection.Request>
    /// -1 where the descriptor is none of ours.
    private var indices: [Int32] = []
    private var front: Int32 = -1
    private var back: Int32 = -1

    init(numbers: Range<Int>, places: Int, driver: any Driver) {
        first = numbers.lowerBound
        count = numbers.count
        self.places = places
        self.driver = driver
        // Left as it is: a page that no request ever needs is never touched.
        requests = .allocate(capacity: count * places)
        connections = .allocate(capacity: count)
        for index in 0..<count {
            (connections + index).initialize(
                to: Connection(number: first + index, requests: requests + index * places))
        }
    }

    deinit {
        connections.deallocate()
        requests.deallocate()
    }

    /// The connection's number in the whole run.
    func number(of index: Int) -> Int { first + index }

    /// The connection that a descriptor belongs to, if it is one of ours.
    @inline(__always)
    func index(of descriptor: RawDescriptor) -> Int? {
        guard descriptor.index < indices.count else { return nil }
        let index = indices[descriptor.index]
        return index < 0 ? nil : Int(index)
    }

    /// Puts a socket that is being connected into its place.
    mutating func adopt(_ descriptor: RawDescriptor, at index: Int, opened: Int64) {
        while indices.count <= descriptor.index { indices.append(-1) }
        indices[descriptor.index] = Int32(index)
        connections[index].descriptor = descriptor
        connections[index].state = .connecting
        connections[index].opened = opened
    }

    /// Takes a connection as up.
    mutating func isUp(_ index: Int) {
        connections[index].state = .up
        upCount += 1
        offer(index)
    }

    /// Sets what the driver watches a connection for.
    func watch(_ index: Int, for interest: Interest) throws(Errno) {
        try driver.setInterest(interest, in: connections[index].descriptor)
        connections[index].interest = interest
    }

    /// Closes a connection in any state.
    mutating func close(_ index: Int) {
        let descriptor = connections[index].descriptor
        if connections[index].state == .up { upCount -= 1 }
        connections[index].state = .closed
        connections[index].interest = []
        // Withdrawing interest changes a table of ours or fails because there was none.
        try? driver.setInterest([], in: descriptor)
        indices[descriptor.index] = -1
        descriptor.close()
    }

    // The rotation.

    /// Puts a connection at the end of the rotation, if it has a place and does not stand there.
    @inline(__always)
    mutating func offer(_ index: Int) {
        guard hasPlace(index), !connections[index].isInRotation else { return }
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
            if hasPlace(index) { return index }
        }
        return nil
    }

    /// Whether a connection can take a request: it is up, not at its limit, and the kernel takes
    /// its bytes.
    @inline(__always)
    private func hasPlace(_ index: Int) -> Bool {
        let connection = connections + index
        return connection.pointee.state == .up && connection.pointee.unsent == 0
            && connection.pointee.openRequests + connection.pointee.waitingRequests < places
    }
}
