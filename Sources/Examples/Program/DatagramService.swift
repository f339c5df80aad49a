import Flags
import Swiftlet

/// What a user decides of a server of datagrams: where it receives, and its limits. What comes
/// beyond a limit is dropped, as a network would: its sender asks again.
struct DatagramService: Sendable {
    /// "127.0.0.1:7069", "[::]:69".
    let address: String
    let options: DatagramServer.Options
    /// How long handlers may go on when a signal has stopped the server.
    let grace: Duration

    /// The options of the command line.
    static func flags(port: Int, maxClients: Int = 1_000) -> FlagGroup {
        FlagGroup(
            "Serving:",
            [
                Flag(
                    "listen", "l", "ADDRESS",
                    help: "HOST:PORT to receive on (127.0.0.1:\(port))"),
                Flag(
                    "max-clients", nil, "N",
                    help: "clients served at a time; what others send is dropped (\(maxClients))"),
                Flag(
                    "grace", nil, "TIME",
                    help: "time that clients have after SIGINT or SIGTERM (2s)"),
            ])
    }

    /// Reads what `flags` offers; give both the same numbers.
    init(_ arguments: Arguments, port: Int, maxClients: Int = 1_000) throws(UsageError) {
        address = arguments.text("listen") ?? "127.0.0.1:\(port)"
        var options = DatagramServer.Options()
        options.maxHandlers =
            try arguments.count("max-clients", in: 1...1_000_000) ?? maxClients
        self.options = options
        grace = try arguments.duration("grace", in: .zero ... .seconds(86_400)) ?? .seconds(2)
    }

    /// Receives, says where, and runs a handler for each datagram until SIGINT or SIGTERM.
    func serve(_ handler: @escaping DatagramServer.DatagramHandler) async throws {
        let server = try await begin()
        try await server.serve(until: .interrupt, .terminate, grace: grace, handler: handler)
    }

    /// Receives, says where, and runs a handler for each peer until SIGINT or SIGTERM.
    func servePeers(_ handler: @escaping DatagramServer.PeerHandler) async throws {
        let server = try await begin()
        try await server.servePeers(until: .interrupt, .terminate, grace: grace, handler: handler)
    }

    private func begin() async throws -> DatagramServer {
        // On 0.0.0.0 an answer must leave from the address that was asked, or its receiver takes it
        // for somebody else's.
        let socket = try await DatagramSocket.bind(to: address, tellsLocalAddress: true)
        let server = try DatagramServer(sockets: [socket], options: options)
        try await say("listening on \(server.address)")
        return server
    }
}

/// A server over TCP and one over UDP on the same address: what RFC 1123, 6.1.3.2, asks of a name
/// server, and inetd(8) offered for its small services.
struct BothServers: Sendable {
    let stream: StreamServer
    let datagrams: DatagramServer
    let grace: Duration
    var address: SocketAddress { stream.address }

    init(_ service: Service) async throws {
        let listener = try await Listener.bind(
            to: service.address, backlog: service.options.backlog)
        stream = StreamServer(listener: listener, options: service.options)
        // With port 0 both have the one that TCP was given.
        let socket = try await DatagramSocket.bind(to: stream.address, tellsLocalAddress: true)
        var limits = DatagramServer.Options()
        limits.maxHandlers = service.options.maxConnections ?? limits.maxHandlers
        datagrams = try DatagramServer(sockets: [socket], options: limits)
        grace = service.grace
    }

    /// Serves until SIGINT or SIGTERM.
    func serve(
        _ handler: @escaping StreamServer.ConnectionHandler,
        datagrams datagramHandler: @escaping DatagramServer.DatagramHandler
    ) async throws {
        // Each is told of the signals; when one fails the group cancels the other.
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await stream.serve(
                    until: .interrupt, .terminate, grace: grace, handler: handler)
            }
            group.addTask {
                try await datagrams.serve(
                    until: .interrupt, .terminate, grace: grace, handler: datagramHandler)
            }
            try await group.waitForAll()
        }
    }
}
