// DNS and the clock of the relay
print('gethostname', ...(await socket.dns.gethostname()));
print('localhost', ...(await socket.dns.getaddrinfo('localhost')));
print('127.0.0.1', ...(await socket.dns.tohostname('127.0.0.1')));
print('gettime', new Date(socket.gettime() * 1000).toISOString());
