import Syscalls

/// What a trace tells of the hosts themselves.
enum HostStep: TraceStep {
    case crashed
    case restarted
    /// A task that was started on the host from outside threw an error.
    case threw(task: String, error: String)

    func text(hosts: [String]) -> String {
        switch self {
        case .crashed: "the host crashed"
        case .restarted: "the host came back"
        case .threw(let task, let error): "task '\(task)' threw: \(error)"
        }
    }

    /// The words of an error are left out: they may hold an address of the machine's memory.
    func mix(into digest: inout TraceDigest) {
        switch self {
        case .crashed: digest.add(1)
        case .restarted: digest.add(2)
        case .threw: digest.add(3)
        }
    }
}
