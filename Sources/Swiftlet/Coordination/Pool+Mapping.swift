import Syscalls

// Many inputs, one task of a pool for each.
extension Pool {
    /// Transforms each input in a task of the pool, and returns what came out in the order of the
    /// inputs.
    ///
    /// - Throws: the first error in that order, or `IOError` as `spawn`; then what is under way is
    ///   cancelled and awaited.
    public func map<Input: Sendable, Output: Sendable>(
        _ inputs: some Sequence<Input>, file: SourceFile = #fileID, line: UInt32 = #line,
        _ transform: @escaping @concurrent @Sendable (Input) async throws -> Output
    ) async throws -> [Output] {
        var tasks: [Task<Void, any Error>] = []
        do {
            var promises: [Promise<Output>] = []
            var outputs: [Output] = []
            for input in inputs {
                // So an error is seen before the next task is started.
                while outputs.count < promises.count, let next = promises[outputs.count].result {
                    outputs.append(try next.get())
                }
                let promise = Promise<Output>(file: file, line: line)
                tasks.append(
                    try await spawn(file: file, line: line) {
                        await promise.resolve { try await transform(input) }
                    })
                promises.append(promise)
            }
            for promise in promises[outputs.count...] {
                outputs.append(try await promise.value(file: file, line: line))
            }
            return outputs
        } catch {
            for task in tasks { task.cancel() }
            for task in tasks { _ = await task.result }
            throw error
        }
    }

    /// As `map`, one output after the other, each as soon as it and those before it are there.
    ///
    /// - Parameters:
    ///   - inputs: what is transformed.
    ///   - lookAhead: how many tasks are under way, or have ended and wait for their turn, at most;
    ///     nil is the size of the pool. More are started whenever an output is asked for.
    ///   - file: the file of the call, for reports.
    ///   - line: the line of the call.
    ///   - transform: what a task does.
    /// - Returns: the outputs in the order of the inputs. An error ends the sequence. What is under
    ///   way when it ends or is left is cancelled.
    public func imap<Inputs: Sequence, Output: Sendable>(
        _ inputs: Inputs, lookAhead: Int? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line,
        _ transform: @escaping @concurrent @Sendable (Inputs.Element) async throws -> Output
    ) -> PoolOutputs<Inputs, Output> where Inputs.Element: Sendable {
        PoolOutputs(
            pool: self, inputs: inputs, lookAhead: lookAhead, isOrdered: true,
            call: Call(file, line), transform: transform)
    }

    /// As `imap`, but each output as soon as it is there.
    public func imapUnordered<Inputs: Sequence, Output: Sendable>(
        _ inputs: Inputs, lookAhead: Int? = nil,
        file: SourceFile = #fileID, line: UInt32 = #line,
        _ transform: @escaping @concurrent @Sendable (Inputs.Element) async throws -> Output
    ) -> PoolOutputs<Inputs, Output> where Inputs.Element: Sendable {
        PoolOutputs(
            pool: self, inputs: inputs, lookAhead: lookAhead, isOrdered: false,
            call: Call(file, line), transform: transform)
    }
}

extension Promise {
    /// Resolves it with what `body` returns or throws.
    fileprivate func resolve(with body: () async throws -> Value) async {
        do { fulfill(try await body()) } catch { fail(error) }
    }
}

/// What comes out of `Pool.imap` and `Pool.imapUnordered`.
public struct PoolOutputs<Inputs: Sequence, Output: Sendable>: AsyncSequence
where Inputs.Element: Sendable {
    fileprivate let pool: Pool
    fileprivate let inputs: Inputs
    fileprivate let lookAhead: Int?
    fileprivate let isOrdered: Bool
    fileprivate let call: Call
    fileprivate let transform: @concurrent @Sendable (Inputs.Element) async throws -> Output

    /// Starts tasks, and waits for their outputs.
    public final class AsyncIterator: AsyncIteratorProtocol {
        private let outputs: PoolOutputs
        private var inputs: Inputs.Iterator
        private let lookAhead: Int
        /// Those that were not returned, in the order of their inputs.
        private var underWay: [(promise: Promise<Output>, task: Task<Void, any Error>)] = []
        /// Those that are there, in the order in which they came.
        private let done: Channel<Promise<Output>>
        private var isOver = false

        fileprivate init(_ outputs: PoolOutputs) {
            self.outputs = outputs
            inputs = outputs.inputs.makeIterator()
            lookAhead = Swift.max(1, outputs.lookAhead ?? outputs.pool.size)
            done = Channel(capacity: lookAhead)
        }

        deinit { for (_, task) in underWay { task.cancel() } }

        /// Waits for the next output; nil when there is none, also after an error.
        public func next() async throws -> Output? {
            do {
                return try await takeNext()
            } catch {
                isOver = true
                for (_, task) in underWay { task.cancel() }
                underWay = []
                throw error
            }
        }

        /// Waits for the next output, whatever actor the caller is on; nil when there is none.
        public func next(isolation actor: isolated (any Actor)?) async throws -> Output? {
            try await next()
        }

        private func takeNext() async throws -> Output? {
            try await startTasks()
            guard let first = underWay.first else { return nil }
            let (file, line) = (outputs.call.file, outputs.call.line)
            var next: Promise<Output>? = first.promise
            if !outputs.isOrdered { next = try await done.receive(file: file, line: line) }
            let output = try await next?.value(file: file, line: line)
            underWay.removeAll { $0.promise === next }
            return output
        }

        /// Starts as many tasks as may be under way: waits for the place of one, and starts more
        /// where there is room.
        private func startTasks() async throws {
            let (pool, call) = (outputs.pool, outputs.call)
            while !isOver, underWay.count < lookAhead {
                guard underWay.isEmpty || pool.hasPlace, let input = inputs.next() else { return }
                let promise = Promise<Output>(file: call.file, line: call.line)
                let (done, transform) = (done, outputs.transform)
                let isOrdered = outputs.isOrdered
                let task = try await pool.spawn(file: call.file, line: call.line) {
                    await promise.resolve { try await transform(input) }
                    if !isOrdered { _ = done.trySend(promise) }
                }
                underWay.append((promise, task))
            }
        }
    }

    /// What a `for try await` loop takes outputs from.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(self) }
}
