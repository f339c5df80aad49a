import Drivers
import Syscalls

// Recorded steps as text, for the report of a replay that took another way: "receive from
// descriptor 7, at most 16384 bytes: 5 bytes".

extension RecordedStep: CustomStringConvertible {
    /// The call, a colon, and what it was told.
    var description: String { "\(call): \(answer)" }
}

extension RecordedCall: CustomStringConvertible {
    /// The call with everything that a replay compares.
    var description: String {
        switch self {
        case .now: "read the clock"
        case .wait(let deadline): "wait \(text(ofDeadline: deadline))"
        case .setInterest(let interest, let descriptor):
            "watch \(descriptor) for \(text(of: interest))"
        case .timer: "set a timer"
        case .open(let address): "open a socket for \(address)"
        case .bind(let socket, let address): "bind \(socket) to \(address)"
        case .listen(let socket, let backlog): "listen on \(socket), backlog \(backlog)"
        case .accept(let socket): "accept from \(socket)"
        case .connect(let socket, let address): "connect \(socket) to \(address)"
        case .takeError(let socket): "take the pending error of \(socket)"
        case .receive(let socket, let count): "receive from \(socket), at most \(count) bytes"
        case .send(let socket, let count, let digest):
            "send \(count) bytes with the digest \(String(digest, radix: 16)) to \(socket)"
        case .shutdownWriting(let socket): "end the writing half of \(socket)"
        case .localAddress(let socket): "ask for the address of \(socket)"
        case .remoteAddress(let socket): "ask for the peer of \(socket)"
        case .option(let option, let socket): "read the option \(option) of \(socket)"
        case .setOption(let option, let socket, let value):
            "set the option \(option) of \(socket) to \(value)"
        case .resetOnClose(let socket): "make closing reset \(socket)"
        case .close(let socket): "close \(socket)"
        }
    }
}

extension RecordedAnswer: CustomStringConvertible {
    /// What the call was told, in words.
    var description: String {
        switch self {
        case .failed(let errno): "\(errno.name) (\(errno))"
        case .done: "done"
        case .instant(let instant): "\(instant.nanoseconds) ns"
        case .ready(let ready):
            ready.isEmpty
                ? "nothing is ready"
                : ready.map { "\($0.descriptor) is ready for \(text(of: $0.ready))" }
                    .joined(separator: ", ")
        case .delay(let nanoseconds): "it has \(nanoseconds) ns"
        case .descriptor(let descriptor): "\(descriptor)"
        case .accepted(let descriptor, let peer):
            "\(descriptor) from \(peer.map(String.init(describing:)) ?? "no internet address")"
        case .up(let isUp): isUp ? "it is up" : "the attempt goes on"
        case .kept(let errno): errno.map { "\($0.name) (\($0))" } ?? "none"
        case .bytes(let bytes): "\(bytes.count) bytes"
        case .count(let count): "\(count) bytes"
        case .address(let address): "\(address)"
        case .value(let value): "\(value)"
        }
    }
}

private func text(of interest: Interest) -> String {
    switch (interest.contains(.readable), interest.contains(.writable)) {
    case (true, true): "reading and writing"
    case (true, false): "reading"
    case (false, true): "writing"
    case (false, false): "nothing"
    }
}

private func text(ofDeadline deadline: Instant) -> String {
    switch deadline {
    case .never: "without a deadline"
    case .past: "not at all"
    default: "until \(deadline.nanoseconds) ns"
    }
}
