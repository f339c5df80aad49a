/// What a trace tells of the network: what became of a segment of a connection, seen by a host.
struct NetworkStep: Sendable, Equatable {
    enum Fate: Sendable {
        case sent
        /// It waits for a partition to heal, or for a machine that is down.
        case held
        case arrived
        /// It came to nothing: nobody was there to take it.
        case lost
    }

    let fate: Fate
    let segment: Segment
    /// The connection's number in the order in which they were begun, from 1.
    let connection: Int
    /// The other host.
    let other: HostID
}

extension NetworkStep: CustomStringConvertible {
    /// A line of the trace; the other host by its number.
    var description: String { text { "host \($0.index)" } }

    /// A line of the trace, as in "connection 3: 1448 bytes sent to server".
    func text(naming name: (HostID) -> String) -> String {
        let whom = fate == .sent || fate == .held ? "to" : "from"
        return "connection \(connection): \(segment) \(fate) \(whom) \(name(other))"
    }
}

extension Segment: CustomStringConvertible {
    /// What it is called in a trace, by the names of RFC 9293.
    var description: String {
        switch self {
        case .synchronize: "SYN"
        case .accept: "SYN-ACK"
        case .bytes(let count): "\(count) bytes"
        case .acknowledge(let count): "ACK of \(count) bytes"
        case .finish: "FIN"
        case .reset: "RST"
        }
    }
}
