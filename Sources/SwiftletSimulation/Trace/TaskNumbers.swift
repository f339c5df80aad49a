import Swiftlet

/// The tasks of a world, numbered from 1 in the order in which they are first met: what the process
/// calls them depends on whatever else runs in it.
struct TaskNumbers {
    /// What is known of a task.
    struct Known {
        let number: Int
        /// What it is called, once it has been parked.
        var name: String?
    }

    private var tasks: [TaskID: Known] = [:]
    /// Most steps are of the task of the step before.
    private var last: (task: TaskID, number: Int)?

    mutating func number(of task: TaskID) -> Int {
        if let last, last.task == task { return last.number }
        let known = tasks[task] ?? Known(number: tasks.count + 1)
        tasks[task] = known
        last = (task, known.number)
        return known.number
    }

    /// Notes what a task that was met is called.
    mutating func name(_ task: TaskID, _ name: String) {
        if tasks[task]?.name == nil { tasks[task]?.name = name }
    }

    /// What is known of a task; nil when it was not met.
    func known(_ task: TaskID) -> Known? { tasks[task] }
}
