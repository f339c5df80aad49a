/// Something that happens in the network by itself, at an instant that is known before.
enum KernelEvent {
    /// A fault that was planned for this instant strikes.
    case fault(PlannedFault)
}

extension Kernel {
    /// Makes an event happen.
    mutating func take(_ event: KernelEvent) {
        switch event {
        case .fault(let fault): strike(fault)
        }
    }
}
