import Syscalls

/// What runs in the process at one instant: each loop with its tasks and sockets, and what tasks
/// share.
///
///     asks every loop ──► each answers between two batches ──► accounts of what they share
///                          or does not, within the time it has
///
/// The task that asks may be on any loop, or on none.
struct Inspection: Sendable {
    struct Loop: Sendable {
        let number: Int
        let answer: Inquiry.Answer
    }

    /// In the order of their numbers.
    let loops: [Loop]
    /// How long each had to answer.
    let patience: Duration
    /// Servers, pools, and what tasks wait at, by kind and name.
    let accounts: [Account]
    /// The accounts of what tasks wait at, by what the reports of the tasks have.
    let accountsOfPoints: [ObjectIdentifier: ObjectIdentifier]

    /// Asks loops, or all that run; each has to answer within `patience`. A task of a simulation,
    /// whose clock no real loop keeps to, asks none.
    static func make(
        _ detail: Detail, of chosen: [EventLoop]?, within patience: Duration
    ) async -> Inspection {
        let isSimulated = EventLoop.current?.executor.isOnKernel == false
        let listed = Roster.loops.filter { listed in
            !isSimulated && chosen?.contains { $0.executor === listed.executor } ?? true
        }
        let inquiries = listed.map { loop in
            let inquiry = Inquiry(detail)
            loop.executor.post(.inspect(inquiry))
            return inquiry
        }
        let deadline = Instant.now.advanced(by: patience)
        var loops: [Loop] = []
        for (listed, inquiry) in zip(listed, inquiries) {
            let answer = await inquiry.answer(until: deadline)
            loops.append(Loop(number: listed.number, answer: answer))
        }
        return Inspection(of: loops, patience)
    }

    init(of loops: [Loop], _ patience: Duration) {
        let snapshots = loops.compactMap(\.snapshot)
        var names: TaskNames = [:]
        for snapshot in snapshots { names.merge(snapshot.names) { one, _ in one } }
        let points = snapshots.flatMap(\.points)
        var accounts: [ObjectIdentifier: Account] = [:]
        var accountsOfPoints: [ObjectIdentifier: ObjectIdentifier] = [:]
        for account in Roster.accounts(names) { accounts[account.identity] = account }
        // Many tasks may wait at one point.
        for thing in Roster.servers + points
        where accountsOfPoints[ObjectIdentifier(thing)] == nil {
            let account = thing.account(names)
            accounts[account.identity] = account
            accountsOfPoints[ObjectIdentifier(thing)] = account.identity
        }
        self.loops = loops
        self.patience = patience
        self.accounts = accounts.values.sorted {
            ($0.kind, $0.label.value) < ($1.kind, $1.label.value)
        }
        self.accountsOfPoints = accountsOfPoints
    }
}

extension Inspection.Loop {
    var snapshot: LoopSnapshot? {
        if case .snapshot(let snapshot) = answer { snapshot } else { nil }
    }
}
