import Drivers
import Syscalls

// What is in an answer, each for the calls that are told such a thing; nil for all others.
extension RecordedAnswer {
    var done: Void? { if case .done = self { () } else { nil } }
    var instant: Instant? { if case .instant(let instant) = self { instant } else { nil } }
    var ready: [Readiness]? { if case .ready(let ready) = self { ready } else { nil } }
    /// In nanoseconds.
    var delay: Int64? { if case .delay(let nanoseconds) = self { nanoseconds } else { nil } }
    var descriptor: RawDescriptor? {
        if case .descriptor(let descriptor) = self { descriptor } else { nil }
    }
    var accepted: (RawDescriptor, SocketAddress?)? {
        if case .accepted(let descriptor, let peer) = self { (descriptor, peer) } else { nil }
    }
    var up: Bool? { if case .up(let isUp) = self { isUp } else { nil } }
    var kept: Errno?? { if case .kept(let errno) = self { .some(errno) } else { nil } }
    var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
    var count: Int? { if case .count(let count) = self { count } else { nil } }
    var address: SocketAddress? { if case .address(let address) = self { address } else { nil } }
    var value: Int? { if case .value(let value) = self { value } else { nil } }

    /// The descriptors that the answer tells of.
    var descriptors: [RawDescriptor] {
        switch self {
        case .descriptor(let descriptor), .accepted(let descriptor, _): [descriptor]
        case .ready(let ready): ready.map(\.descriptor)
        default: []
        }
    }
}
