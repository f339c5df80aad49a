import Swiftlet

/// What must never happen and did.
package enum Violation: Error, Equatable {
    /// A client received a byte that it did not send there.
    case wrongByte(client: Int, offset: Int)
    /// A client received more than it sent.
    case tooManyBytes(client: Int, sent: Int, received: Int)
    /// The stream ended before everything was echoed, and nothing had gone wrong.
    case missingBytes(client: Int, sent: Int, received: Int)
    /// A task was told that it is cancelled, and nothing had cancelled it.
    case cancelledForNoReason(IOError.Operation)
    /// An error that nothing which was done explains.
    case inexplicable(IOError)
    /// Something failed although nothing went wrong anywhere.
    case failedInCalm(client: Int, String)
    /// A client was not served within the time that is ample.
    case starved(client: Int, after: Duration)
    /// Connections are still served long after their clients have gone.
    case stillServed(Int)
}

extension Violation: CustomStringConvertible {
    package var description: String {
        switch self {
        case .wrongByte(let client, let offset):
            "client \(client) received at offset \(offset) a byte that it did not send there"
        case .tooManyBytes(let client, let sent, let received):
            "client \(client) sent \(sent) bytes and received \(received)"
        case .missingBytes(let client, let sent, let received):
            "the stream of client \(client) ended after \(received) of \(sent) bytes, without an "
                + "error on either side"
        case .cancelledForNoReason(let operation):
            "\(operation.rawValue) was cancelled, and the task that called it was not"
        case .inexplicable(let error): "nothing that was done explains this error: \(error)"
        case .failedInCalm(let client, let what):
            "nothing was wrong, and client \(client) failed all the same: \(what)"
        case .starved(let client, let time): "client \(client) was not served within \(time)"
        case .stillServed(let count):
            "\(count) connections are still served, long after their clients have gone"
        }
    }
}
