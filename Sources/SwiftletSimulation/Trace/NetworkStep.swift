/// What a trace tells of the network: what became of a segment of a connection, seen by a host.
struct NetworkStep: TraceStep, Equatable {
    enum Fate: Int, Sendable {
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

extension NetworkStep {
    /// As in "connection 3: 1448 bytes sent to server".
    func text(hosts: [String]) -> String {
        let whom = fate == .sent || fate == .held ? "to" : "from"
        return "connection \(connection): \(segment) \(fate) \(whom) \(hosts[other.index])"
    }

    func mix(into digest: inout TraceDigest) {
        digest.add(fate.rawValue, connection, other.index)
        segment.mix(into: &digest)
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

extension Segment {
    fileprivate func mix(into digest: inout TraceDigest) {
        switch self {
        case .synchronize: digest.add(1)
        case .accept: digest.add(2)
        case .bytes(let count): digest.add(3, count)
        case .acknowledge(let count): digest.add(4, count)
        case .finish: digest.add(5)
        case .reset: digest.add(6)
        }
    }
}
