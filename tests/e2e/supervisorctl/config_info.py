"""What `getAllConfigInfo` tells, a line a key."""

import sys
import xmlrpc.client

from supervisor.xmlrpc import SupervisorTransport

transport = SupervisorTransport(None, None, sys.argv[1])
server = xmlrpc.client.ServerProxy("http://localhost", transport)
for row in server.supervisor.getAllConfigInfo():
    for key, value in sorted(row.items()):
        print(row["group"], row["name"], key, repr(value))
