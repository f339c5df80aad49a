import Swiftlet

/// Something that happens in the network by itself, at an instant that is known before.
enum KernelEvent {
    /// A fault that was planned for this instant strikes.
    case fault(PlannedFault)
    /// The first segment that an end has under way arrives.
    case arrival(from: EndID)
    /// An end that connects asks again, or gives up.
    case repeatedRequest(EndID)
    /// An end gives up what it has sent again and again.
    case givingUp(EndID)
}

/// The identity of an event that has not happened yet.
typealias EventToken = DeadlineQueue<KernelEvent>.Token

extension Kernel {
    /// Makes an event happen.
    mutating func take(_ event: KernelEvent) {
        switch event {
        case .fault(let fault): strike(fault)
        case .arrival(let end): arrive(from: end)
        case .repeatedRequest(let end): askAgain(end)
        case .givingUp(let end): giveUp(end)
        }
    }
}
