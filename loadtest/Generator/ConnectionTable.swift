import Drivers
import Syscalls

/// The connections of one worker, in a row of plain memory, and which descriptor belongs to which.
///
///     connections   [ 0 | 1 | 2 | 3 ]          by index; the number in the report is first + index
///     indices       [ - - - - - 2 0 1 - 3 ]    by descriptor
struct ConnectionTable: ~Copyable {
    let connections: UnsafeMutablePointer<Connection>
    let count: Int
    /// Connections that are up.
    private(set) var upCount = 0
    /// Requests on all of them that wait for their answer.
    var openRequests = 0

    private let first: Int
    private let driver: any Driver
    private let sendTimes: UnsafeMutablePointer<Int64>
    /// -1 where the descriptor is none of ours.
    private var indices: [Int32] = []

    init(numbers: Range<Int>, pipeline: Int, driver: any Driver) {
        first = numbers.lowerBound
        count = numbers.count
        self.driver = driver
        sendTimes = .allocate(capacity: count * pipeline)
        sendTimes.initialize(repeating: 0, count: count * pipeline)
        connections = .allocate(capacity: count)
        for index in 0..<count {
            (connections + index).initialize(
                to: Connection(number: first + index, sendTimes: sendTimes + index * pipeline)
            )
        }
    }

    deinit {
        connections.deallocate()
        sendTimes.deallocate()
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
}
