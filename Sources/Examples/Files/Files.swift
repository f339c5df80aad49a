import Flags
import Swiftlet

// Files of several users: the command of the server and of its client.

extension Program {
    static let files = Program(
        "files", "Keeps the files of several users, whole or not at all.",
        usage: [
            "--root DIR --keys FILE [options]", "put --user NAME --keys FILE [options] PATH...",
            "get --user NAME --keys FILE [--into DIR] [options] NAME...",
            "list --user NAME --keys FILE [options]",
            "remove --user NAME --keys FILE [options] NAME...",
        ],
        [
            Service.flags(port: 7024), Client.flags(port: 7024), Login.flags,
            FlagGroup(
                "Files:",
                [
                    Flag("root", nil, "DIR", help: "where the folders of the users are"),
                    Flag("quota", nil, "SIZE", help: "bytes that a user may keep (1g)"),
                    Flag("files-max", nil, "N", help: "files that a user may keep (1k)"),
                    Flag("into", nil, "DIR", help: "where 'get' puts files (.)"),
                ]),
        ],
        positionalsMax: 1_000,
        footer: [
            "'put' and 'get' go on where they were broken off. See 'example auth' for keys."
        ]
    ) { arguments in
        guard let verb = try arguments.verb(of: ["put", "get", "list", "remove"]) else {
            return try await serve(arguments)
        }
        let names = Array(arguments.positionals.dropFirst())
        guard names.isEmpty == (verb == "list") else {
            throw UsageError(verb == "list" ? "list takes no names" : "\(verb) what?")
        }
        let client = try Client(arguments, port: 7024)
        let login = try await Login(arguments)
        try await client.call { connection in
            let messages = Messages(connection: connection)
            try await login.prove(to: messages)
            let files = FileClient(messages: messages, timeout: client.timeout)
            if verb == "list" { try await ByteWriter.standardOutput.write(files.list()) }
            for name in names {
                switch verb {
                case "put":
                    let (folder, file) = parts(of: name)
                    try await files.put(file, from: DiskFolder(path: folder), progress: .shown)
                case "get":
                    let folder = DiskFolder(path: arguments.text("into") ?? ".")
                    try await files.get(name, into: folder, progress: .shown)
                default: try await files.remove(name)
                }
            }
        }
    }

    private static func serve(_ arguments: Arguments) async throws {
        guard let root = arguments.text("root") else { throw UsageError("--root is missing") }
        guard let path = arguments.text("keys") else { throw UsageError("--keys is missing") }
        let limits = try limits(arguments)
        let keys = try await Keys.read(path)
        _ = try await DiskFolder.make(at: root)
        let server = FileServer(limits) { try await DiskFolder.make(at: "\(root)/\($0)") }
        try await Service(arguments, port: 7024).serve(
            authenticated(by: keys) { connection, user in
                try await server.serve(Messages(connection: connection), user: user)
            })
    }

    private static func limits(_ arguments: Arguments) throws(UsageError) -> FileServer.Limits {
        var limits = FileServer.Limits()
        if let size = try arguments.size("quota", in: 0...(1 << 50)) { limits.quota = size }
        if let count = try arguments.count("files-max", in: 1...3_000) { limits.files = count }
        return limits
    }
}

/// The folder that a path leads to, and the name in it.
private func parts(of path: String) -> (folder: String, name: String) {
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    return (
        slash == path.startIndex ? "/" : String(path[..<slash]), String(path[slash...].dropFirst())
    )
}

/// A user's end of the connection, after the handshake.
struct FileClient: Sendable {
    let messages: Messages
    let timeout: Duration

    private func ask(_ header: Header) async throws -> Message {
        // To know the sum of a large file takes the server its time.
        try await messages.ask(Message(header: header), timeout: timeout + .seconds(600))
    }

    func put(_ name: String, from folder: some Folder, progress: Progress = .hidden) async throws {
        let offer = try await Offer(of: name, in: folder)
        guard isFileName(name) else { throw Failure(.data, "no file may be called '\(name)'") }
        var header = offer.header
        header["do"] = "put"
        try await messages.write(Message(header: header))
        let bar = ProgressBar(of: offer, progress)
        try await send(offer, from: folder, over: messages, timeout: timeout) {
            try await bar.show($0)
        }
        try await bar.end()
    }

    func get(_ name: String, into folder: some Folder, progress: Progress = .hidden) async throws {
        let offer = try Offer(try await ask(["do": "get", "name": .text(name)]).header)
        // What the server calls its file is of no matter here: it could be another one of ours.
        guard offer.name == name else { throw Failure(.data, "the server sends '\(offer.name)'") }
        let bar = ProgressBar(of: offer, progress)
        try await receive(offer, into: folder, over: messages, timeout: timeout) {
            try await bar.show($0)
        }
        _ = try await ask([:])
        try await bar.end()
    }

    /// A line of a size and a name for each file.
    func list() async throws -> String {
        printable(String(decoding: try await ask(["do": "list"]).body, as: UTF8.self))
    }

    func remove(_ name: String) async throws {
        _ = try await ask(["do": "remove", "name": .text(name)])
    }
}

/// Whether a transfer tells how far it is.
enum Progress: Sendable { case shown, hidden }

/// A line on standard error, where that is a terminal, which is written again and again.
private actor ProgressBar {
    private let offer: Offer
    private let isShown: Bool
    private var shown = -1

    init(of offer: Offer, _ progress: Progress) {
        self.offer = offer
        isShown = progress == .shown && ByteReader(sharing: RawDescriptor(2)).isTerminal
    }

    /// A line each percent, not each piece: a terminal is slower than a disk.
    func show(_ place: Int) async throws {
        let percent = Int(Double(place) / Double(max(1, offer.length)) * 100)
        guard isShown, percent > shown else { return }
        shown = percent
        let bar = String(repeating: "=", count: percent / 4)
        let rest = String(repeating: " ", count: 25 - percent / 4)
        try await ByteWriter.standardError.write(
            "\r\(offer.name) [\(bar)\(rest)] \(percent) % of \(offer.length) bytes")
    }

    func end() async throws {
        if isShown { try await ByteWriter.standardError.write("\n") }
    }
}
