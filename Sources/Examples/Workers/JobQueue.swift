import Swiftlet

// Jobs that are given to workers, each until one says that it is done.
//
// A queue that forgets a job when it hands it out loses it with the worker. One that keeps it until
// the worker has acknowledged it gives it to another one when the first has gone: so each job is
// done at least once. More is not to be had: a worker may die between the work and its word. What
// must not happen twice is made so that the second time does nothing.

/// A job: what is to be done, and how urgent it is.
struct Job: Sendable {
    let id: Int
    /// The greater, the sooner.
    let priority: Int
    let body: [UInt8]
    /// How often it was handed out.
    var attempts = 0
}

/// The jobs that are waiting, and those that a worker has. An actor, so that there is no lock that
/// somebody forgets; it waits nowhere with its state half-way changed.
actor JobQueue {
    struct Limits: Sendable {
        /// Jobs that are kept, so that a producer that is too quick is told and not the memory.
        var jobs = 100_000
        /// Bytes of all jobs that are kept.
        var bytes = 1 << 28
        /// A job that has been handed out so often is given up: it may be what kills the workers.
        var attempts = 5
        /// How long a worker may have a job.
        var lease = Duration.seconds(60)
    }

    private struct Lease {
        let job: Job
        let worker: Int
        let expiry: Task<Void, any Error>
    }

    private let limits: Limits
    /// Of equals the one that came first, also when it comes back.
    private let waiting = Queue<Job>(
        .priority { ($1.priority, $0.id) < ($0.priority, $1.id) }, name: "jobs")
    private var leases: [Int: Lease] = [:]
    private var serial = 0
    private var workers = 0
    private var bytes = 0
    private(set) var done = 0
    private(set) var givenUp = 0

    init(_ limits: Limits) { self.limits = limits }

    var waitingCount: Int { waiting.count }
    var leasedCount: Int { leases.count }

    /// A number for one more worker.
    func join() -> Int {
        workers += 1
        return workers
    }

    /// Takes a job in, and returns its number.
    func put(_ body: [UInt8], priority: Int) throws -> Int {
        guard waiting.count + leases.count < limits.jobs, bytes <= limits.bytes - body.count else {
            throw Failure(.unavailable, "there are jobs enough already: try again later")
        }
        serial += 1
        bytes += body.count
        _ = waiting.tryPut(Job(id: serial, priority: priority, body: body))
        return serial
    }

    /// Waits for a job, and hands it to a worker.
    func take(for worker: Int) async throws -> Job {
        guard var job = try await waiting.get() else { throw CancellationError() }
        job.attempts += 1
        let attempts = job.attempts
        let (id, lease) = (job.id, limits.lease)
        let expiry = try spawn(name: "lease of job \(id)") {
            // Cancelled when the job is done.
            try await sleep(for: lease)
            await self.expire(id, of: worker, after: attempts)
        }
        leases[id] = Lease(job: job, worker: worker, expiry: expiry)
        return job
    }

    /// Notes that a job is done, if this worker still has it: otherwise another one does, or did,
    /// and its word counts.
    func finish(_ id: Int, by worker: Int) throws(Failure) {
        guard let lease = release(id, of: worker) else {
            throw Failure(.data, "job \(id) is not yours, or not any more")
        }
        bytes -= lease.job.body.count
        done += 1
    }

    /// Lets other workers have a job that this one has; does nothing when it has not.
    func take(back id: Int, from worker: Int) {
        guard let lease = release(id, of: worker) else { return }
        if lease.job.attempts < limits.attempts {
            _ = waiting.tryPut(lease.job)
        } else {
            bytes -= lease.job.body.count
            givenUp += 1
        }
    }

    /// The same when a lease is over: of this attempt, and not of a later one by the same worker.
    private func expire(_ id: Int, of worker: Int, after attempts: Int) {
        if leases[id]?.job.attempts == attempts { take(back: id, from: worker) }
    }

    /// Lets other workers have all that a worker had that has gone.
    func takeBackAll(from worker: Int) {
        for id in leases.filter({ $0.value.worker == worker }).keys.sorted() {
            take(back: id, from: worker)
        }
    }

    private func release(_ id: Int, of worker: Int) -> Lease? {
        guard leases[id]?.worker == worker, let lease = leases.removeValue(forKey: id) else {
            return nil
        }
        lease.expiry.cancel()
        return lease
    }
}
