import Syscalls

/// What every echo service must do, asked of a running one from outside.
///
///     let findings = Conformance.check(at: server.address, process: server.id)
///
/// The checks run one after the other, each with connections of its own and a limit of time. A
/// service that keeps all of them may be measured; one that does not gets no figure of speed.
package enum Conformance {
    /// One thing that a service must do.
    package enum Check: String, CaseIterable, Sendable {
        /// 1 MiB streamed comes back intact.
        case stream = "1 MiB streamed"
        /// Bytes written one at a time come back.
        case trickle = "one byte at a time"
        /// 100 clients that are connected together are all answered.
        case crowd = "100 clients at once"
        /// What came before a half-close is answered in full, and then the connection is closed.
        case halfClose = "half-close"
        /// A reset in the middle of a message harms no other client.
        case reset = "reset in the middle"
        /// A client that never reads costs the service bounded memory.
        case silentReader = "a client that never reads"
        /// Datagrams of 1 to 65,507 bytes come back whole.
        case sizes = "datagrams of every size"
        /// Datagrams that are sent one right behind the other stay as many.
        case bounds = "several datagrams at once"
        /// 100 clients get their own datagrams back.
        case senders = "datagrams of 100 clients"

        /// The kind of service that must do it.
        var kind: SocketKind {
            switch self {
            case .stream, .trickle, .crowd, .halfClose, .reset, .silentReader: .stream
            case .sizes, .bounds, .senders: .datagram
            }
        }
    }

    /// All that a service must do whose sockets are of a kind.
    package static func checks(of kind: SocketKind) -> [Check] {
        Check.allCases.filter { $0.kind == kind }
    }

    /// A check that failed, and how.
    package struct Finding: Sendable, Equatable, CustomStringConvertible {
        package var check: Check
        package var reason: String

        package init(_ check: Check, _ reason: String) {
            self.check = check
            self.reason = reason
        }

        /// "half-close: 4096 of 65536 bytes came back before the end".
        package var description: String { "\(check.rawValue): \(reason)" }
    }

    /// Makes the checks and returns what failed: nothing, if all is well.
    ///
    /// `process` leads the service's group of processes, on this machine; without it its memory is
    /// not looked at. `timeout` is for each check, and `patience` for a service that was sent more
    /// than it reads: one that reads nothing for so long has stopped.
    package static func check(
        _ checks: [Check] = checks(of: .stream), at address: SocketAddress, process: CInt? = nil,
        timeout: Duration = .seconds(10), patience: Duration = .milliseconds(300)
    ) -> [Finding] {
        checks.compactMap { check in
            let visit = Visit(
                address: address, process: process, deadline: .now.advanced(by: timeout),
                patience: patience)
            do throws(Client.Failure) {
                try visit.make(check)
                return nil
            } catch {
                return Finding(check, error.reason)
            }
        }
    }
}
