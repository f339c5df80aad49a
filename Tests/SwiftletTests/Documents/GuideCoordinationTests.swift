import Swiftlet
import Testing

// The samples of docs/guide.md about tasks that wait for one another, word for word.

@Suite struct GuideCoordinationTests {
    private struct Job: Sendable { let urgency: Int }

    @Test func `a channel leads from tasks that send to tasks that receive`() async throws {
        let received = try await onOwnLoop {
            let lines = Channel<String>(capacity: 16, name: "lines")
            try spawn {
                for number in 1...3 { try await lines.send("line \(number)") }
                lines.close()
            }
            var received: [String] = []
            for try await line in lines { received.append(line) }
            return received
        }
        #expect(received == ["line 1", "line 2", "line 3"])
    }

    @Test func `select waits for the first of several things`() async throws {
        try await onOwnLoop {
            let (lines, answers) = (Channel<String>(), Channel<String>())
            let (connection, peer) = try await Connection.pair()
            defer { peer.close() }
            try spawn { try await lines.send("hello") }
            enum Next { case line(String?), said, input, late }

            let next = try await select(
                .receive(lines) { Next.line($0) }, .send(answers, "yes", then: .said),
                .readable(connection, then: .input), .after(.seconds(5), then: .late))
            guard case .line("hello") = next else { return #expect(Bool(false), "\(next)") }
        }
    }

    @Test func `a queue has an order and counts what is done`() async throws {
        let order = try await onOwnLoop {
            let (jobs, done) = (Queue<Job>(.priority { $0.urgency > $1.urgency }), Queue<Int>())
            for urgency in 1...3 { try await jobs.put(Job(urgency: urgency)) }
            try spawn {
                while let job = try await jobs.get() {
                    try await done.put(job.urgency)
                    try jobs.taskDone()
                }
            }
            try await jobs.join(timeout: .seconds(5))
            jobs.close()
            return [try await done.get(), try await done.get(), try await done.get()]
        }
        #expect(order == [3, 2, 1])
    }

    @Test func `permits and locks are scopes`() async throws {
        try await onOwnLoop {
            let database = Semaphore(capacity: 2, name: "database")
            let answer = try await database.withPermit(timeout: .seconds(5)) { 42 }
            #expect(answer == 42)

            let ledger = Lock(name: "ledger")
            try await ledger.withLock { try await sleep(for: .nanoseconds(1)) }
        }
    }

    @Test func `an event happens, and a promise is kept`() async throws {
        try await onOwnLoop {
            let isReady = Event(name: "ready")
            let answer = Promise<String>(name: "answer")
            try spawn {
                try await isReady.wait()
                answer.fulfill("yes")
            }
            isReady.set()
            let text = try await answer.value(timeout: .seconds(5))
            #expect(text == "yes")
        }
    }

    @Test func `a condition is waited for with a lock`() async throws {
        try await onOwnLoop {
            let (lock, total) = (Lock(), Queue<Int>())
            let hasChanged = Condition(of: lock)
            try spawn {
                try await lock.withLock {
                    try await total.put(7)
                    hasChanged.notify()
                }
            }
            var permit = try await lock.acquire()
            while total.count == 0 { permit = try await hasChanged.wait(releasing: permit) }
            permit.release()
        }
    }

    @Test func `a pool runs so many tasks at a time`() async throws {
        @Sendable func size(of page: String) async throws -> Int { page.utf8.count }
        try await onOwnLoop {
            let pages = ["one", "three", "fourteen"]
            let pool = Pool(size: 2, name: "fetchers")
            let sizes = try await pool.map(pages) { try await size(of: $0) }
            #expect(sizes == [3, 5, 8])
            for page in pages { try await pool.spawn { try await size(of: page) } }
            try await pool.join(timeout: .seconds(5))
            for try await size in pool.imapUnordered(pages, { try await size(of: $0) }) {
                print(size)
            }
        }
    }

    @Test func `a broadcast tells all that have subscribed`() async throws {
        let heard = try await onOwnLoop {
            let news = Broadcast<String>(capacity: 64, name: "news")
            let subscription = news.subscribe()
            news.send("hello")
            news.close()
            var heard: [String] = []
            for try await delivery in subscription {
                switch delivery {
                case .element(let text): heard.append(text)
                case .missed(let count): heard.append("\(count) missed")
                }
            }
            return heard
        }
        #expect(heard == ["hello"])
    }
}
