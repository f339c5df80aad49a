import Generator
import Syscalls
import Testing

@Suite struct `Parts of a load` {
    @Test(arguments: [1, 2, 3, 7])
    func `add up to the whole`(count: Int) throws {
        var whole = LoadPlan(target: try SocketAddress("127.0.0.1:7"))
        whole.connections = 1001
        whole.idle = 50
        whole.requests = 12_345
        whole.rate = 777
        whole.connectRate = 31
        let parts = (1...count).map { whole.part($0, of: count) }

        #expect(parts.reduce(0) { $0 + $1.connections } == 1001)
        #expect(parts.reduce(0) { $0 + $1.idle } == 50)
        #expect(parts.reduce(0) { $0 + ($1.requests ?? 0) } == 12_345)
        #expect(abs(parts.reduce(0) { $0 + ($1.rate ?? 0) } - 777) < 1e-9)
        #expect(abs(parts.reduce(0) { $0 + ($1.connectRate ?? 0) } - 31) < 1e-9)
        var next = 0
        for part in parts {
            #expect(part.firstConnection == next)
            next += part.connections
            // Each connection carries the same.
            #expect(abs((part.rate ?? 0) / Double(part.connections) - 777.0 / 1001) < 1e-9)
        }
    }

    @Test func `of a closed loop stay one`() throws {
        let part = LoadPlan(target: try SocketAddress("127.0.0.1:7")).part(2, of: 2)

        #expect(part.rate == nil && part.requests == nil && part.connectRate == nil)
    }
}
