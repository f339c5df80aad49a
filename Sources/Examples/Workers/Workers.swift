import Flags
import Swiftlet

// A queue of jobs over the network: its server, what puts jobs in, and what does them.

extension Program {
    static let workers = Program(
        "workers", "Keeps jobs, and gives each to a worker until one has done it.",
        usage: [
            "[options]", "put [--priority N] [TEXT...]", "work [options] -- COMMAND [ARGUMENT...]",
            "state [options]",
        ],
        [
            Service.flags(port: 7023), Client.flags(port: 7023),
            FlagGroup(
                "Jobs:",
                [
                    Flag("jobs-max", nil, "N", help: "jobs that are kept; more are refused (100k)"),
                    Flag("size-max", nil, "SIZE", help: "bytes of a job at most (1m)"),
                    Flag("bytes-max", nil, "SIZE", help: "bytes of all that are kept (256m)"),
                    Flag(
                        "lease", nil, "TIME",
                        help: "time after which a job goes to another worker (60s)"),
                    Flag("attempts", nil, "N", help: "how often a job is tried at most (5)"),
                    Flag("priority", "p", "N", help: "of 'put': the greater, the sooner (0)"),
                    Flag("until-empty", help: "of 'work': end when no job is waiting"),
                ]),
        ],
        positionalsMax: 10_000,
        footer: [
            "'put' takes each TEXT for a job, or each line of standard input. 'work' runs",
            "COMMAND for each job, which is its standard input; a job is done when it exits",
            "with 0, and goes to another worker when it does not.",
        ]
    ) { arguments in
        let bodyMax = try arguments.size("size-max", in: 1...(1 << 30)) ?? 1 << 20
        guard let verb = try arguments.verb(of: ["put", "work", "state"]) else {
            let limits = try JobQueue.Limits(arguments)
            let jobs = JobQueue(limits)
            // A worker says nothing while it works.
            let idle = max(.seconds(300), limits.lease)
            return try await Service(arguments, port: 7023, idle: idle).serve { connection in
                try await jobs.serve(Messages(connection: connection, bodyMax: bodyMax))
            }
        }
        let client = try Client(arguments, port: 7023)
        let priority = try arguments.count("priority", in: 0...1_000) ?? 0
        let words = Array(arguments.positionals.dropFirst())
        if verb == "work", words.isEmpty { throw UsageError("work needs a COMMAND behind --") }
        try await client.call { connection in
            let jobs = JobClient(
                messages: Messages(connection: connection, bodyMax: bodyMax),
                timeout: client.timeout)
            switch verb {
            case "put": try await jobs.put(words, priority: priority)
            case "work": try await jobs.work(words, untilEmpty: arguments.has("until-empty"))
            default: try await say(jobs.state())
            }
        }
    }
}

extension JobQueue.Limits {
    fileprivate init(_ arguments: Arguments) throws(UsageError) {
        jobs = try arguments.count("jobs-max", in: 1...100_000_000) ?? jobs
        bytes = try arguments.size("bytes-max", in: 1...(1 << 50)) ?? bytes
        attempts = try arguments.count("attempts", in: 1...1_000_000) ?? attempts
        lease =
            try arguments.duration("lease", in: .milliseconds(1)...(.seconds(86_400))) ?? lease
    }
}

extension JobQueue {
    /// How long a worker waits for a job before it is told that there is none: it asks again then,
    /// and both have seen that the other one is there.
    private static let patience = Duration.seconds(30)

    /// Serves one producer or worker. What a worker had that ends, however it ends, others get.
    nonisolated func serve(_ messages: Messages) async throws {
        let worker = await join()
        do {
            try await messages.serve { try await self.answer($0, of: worker, messages.connection) }
        } catch {
            await takeBackAll(from: worker)
            throw error
        }
        await takeBackAll(from: worker)
    }

    private nonisolated func answer(
        _ request: Message, of worker: Int, _ connection: Connection
    ) async throws -> Message? {
        let header = request.header
        switch try header.text("do") {
        case "put":
            let priority = try header.number("priority", in: 0...1_000)
            return Message(header: ["id": .number(try await put(request.body, priority: priority))])
        case "get":
            return try await nextJob(for: worker, connection)
        case "done":
            try await finish(header.number("id"), by: worker)
        case "failed":
            await take(back: try header.number("id"), from: worker)
        case "state":
            return Message(header: [
                "waiting": .number(await waitingCount), "running": .number(await leasedCount),
                "done": .number(await done), "given up": .number(await givenUp),
            ])
        case let verb:
            throw Failure(.data, "there is no '\(verb)' to do")
        }
        return Message(header: [:])
    }

    /// Waits for a job, and looks at the connection meanwhile: a handler that waits for a job alone
    /// hears nothing of a worker that has gone, and gives it the next one.
    private nonisolated func nextJob(
        for worker: Int, _ connection: Connection
    ) async throws -> Message? {
        try await withThrowingTaskGroup(of: Message?.self) { group in
            group.addTask {
                let job = try await self.take(for: worker)
                return Message(
                    header: ["id": .number(job.id), "attempt": .number(job.attempts)],
                    body: job.body)
            }
            group.addTask {
                do {
                    // The end, or a word out of turn, which ends it, too.
                    _ = try await connection.peek(timeout: JobQueue.patience)
                    return nil
                } catch IOError.timedOut {
                    return Message(header: ["empty": .flag(true)])
                }
            }
            let first = try await group.next() ?? nil
            group.cancelAll()
            // A job may have come in the same moment; the other one says that it was cancelled.
            let second = (try? await group.next()) ?? nil
            return second?.header["id"] == nil ? first : second
        }
    }
}

/// A producer or worker, at the other end of the connection.
struct JobClient: Sendable {
    let messages: Messages
    let timeout: Duration

    private func ask(_ header: Header, _ body: [UInt8] = []) async throws -> Header {
        try await messages.ask(Message(header: header, body: body), timeout: timeout).header
    }

    /// Puts each text, or each line of standard input, and says their numbers.
    fileprivate func put(_ texts: [String], priority: Int) async throws {
        for text in texts { try await say(put(Array(text.utf8), priority: priority)) }
        guard texts.isEmpty else { return }
        while let line = try await ByteReader.standardInput.readLine() {
            try await say(put(Array(line.utf8), priority: priority))
        }
    }

    /// Puts a job, and returns what it is called.
    func put(_ body: [UInt8], priority: Int) async throws -> String {
        let answer = try await ask(["do": "put", "priority": .number(priority)], body)
        return "job \(try answer.number("id"))"
    }

    func state() async throws -> String {
        let state = try await ask(["do": "state"])
        return try ["waiting", "running", "done", "given up"]
            .map { "\($0) \(try state.number($0))" }.joined(separator: ", ")
    }

    /// Waits for a job; nil when there was none for a while.
    func next() async throws -> (id: Int, body: [UInt8])? {
        // The server puts off its answer, and no longer than this.
        let answer = try await messages.ask(
            Message(header: ["do": "get"]), timeout: .seconds(30) + timeout)
        if answer.header["empty"] == .flag(true) { return nil }
        return (try answer.header.number("id"), answer.body)
    }

    /// Says that a job is done, or that it is to be tried again.
    func report(_ id: Int, isDone: Bool) async throws {
        _ = try await ask(["do": isDone ? "done" : "failed", "id": .number(id)])
    }

    /// Runs a command for a job; returns why it is not done.
    private func run(_ words: [String], on body: [UInt8]) async throws -> String? {
        do {
            let run = try await Subprocess.output(
                of: words[0], Array(words.dropFirst()), input: body)
            try await ByteWriter.standardOutput.write(run.output)
            return run.ending == .exited(0) ? nil : "\(run.ending)"
        } catch let error as IOError {
            // What is wrong with one job's output is no reason to do none of the others.
            guard error.reason == .tooLong else { throw error }
            return "\(error)"
        }
    }

    /// Runs a command for each job.
    fileprivate func work(_ words: [String], untilEmpty: Bool) async throws {
        while true {
            if untilEmpty, try await ask(["do": "state"]).number("waiting") == 0 { return }
            guard let job = try await next() else { continue }
            let failure = try await run(words, on: job.body)
            if let failure {
                try await ByteWriter.standardError.write("job \(job.id): \(failure)\n")
            }
            try await report(job.id, isDone: failure == nil)
        }
    }
}
