import Swiftlet

/// What a hosts file says, as hosts(5) has it: an address and its names on each line.
struct HostTable: Sendable {
    private var addresses: [DNSName: [[UInt8]]] = [:]
    /// The first name of an address, by its name in in-addr.arpa or ip6.arpa (RFC 1035, 3.5; 3596).
    private var names: [DNSName: DNSName] = [:]
    var timeToLive: UInt32 = 60

    /// - Throws: `Failure` that names the line with what is no address or no name.
    init(_ text: String) throws(Failure) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (number, line) in lines.enumerated() {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let first = words.first else { continue }
            let target = first.contains(":") ? "[\(first)]:0" : "\(first):0"
            // The line that is told of says enough.
            guard let address = try? SocketAddress(target) else {
                throw Failure(.data, "line \(number + 1): '\(first)' is not an address")
            }
            for word in words.dropFirst() {
                guard let name = HostTable.name(word) else {
                    throw Failure(.data, "line \(number + 1): '\(word)' is not a name")
                }
                let bytes = address.hostBytes
                if addresses[name]?.contains(bytes) != true {
                    addresses[name, default: []].append(bytes)
                }
                let reverse = HostTable.reverse(bytes)
                names[reverse] = names[reverse] ?? name
            }
        }
    }

    private static func name(_ text: Substring) -> DNSName? {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            .map { $0.map(smallLetter) }
        let isName = labels.allSatisfy { (1...63).contains($0.count) } && text.utf8.count <= 253
        return isName ? labels : nil
    }

    private static func reverse(_ bytes: [UInt8]) -> DNSName {
        let digits = Array("0123456789abcdef".utf8)
        let labels =
            bytes.count == 4
            ? bytes.reversed().map { Array("\($0)".utf8) }
            : bytes.reversed().flatMap { [[digits[Int($0 & 15)]], [digits[Int($0 >> 4)]]] }
        return labels + [Array((bytes.count == 4 ? "in-addr" : "ip6").utf8), Array("arpa".utf8)]
    }

    /// The answer to what came in a packet; nil when it gets none. `limit` is in bytes; nil leaves
    /// it to the client.
    func answer(to bytes: [UInt8], limit: Int? = nil) -> [UInt8]? {
        guard let query = DNSQuery(bytes) else { return nil }
        let limit = limit ?? query.limit
        guard query.code == .done else { return query.answer(query.code, limit: limit) }
        var records: [[UInt8]] = []
        func add(_ type: UInt16, _ data: [UInt8]) {
            guard query.type == type || query.type == 255 else { return }
            records.append(DNSQuery.record(type: type, timeToLive: timeToLive, data))
        }
        for address in addresses[query.name] ?? [] { add(address.count == 4 ? 1 : 28, address) }
        if let name = names[query.name] { add(12, DNSQuery.bytes(of: name)) }
        // A name that is there and has no record of the type is no error (RFC 2308, 2.2).
        let isKnown = addresses[query.name] != nil || names[query.name] != nil
        return query.answer(isKnown ? .done : .noName, records, limit: limit)
    }
}
