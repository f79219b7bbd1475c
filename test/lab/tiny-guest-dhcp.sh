#!/bin/sh
# Called by udhcpc in the tiny test guest.
case "$1" in
  deconfig) ip addr flush dev "$interface" ;;
  bound | renew)
    ip addr replace "$ip/$mask" dev "$interface"
    [ -n "$router" ] && ip route replace default via "${router%% *}" dev "$interface" 2>/dev/null
    echo "tiny-guest $interface $ip"
    ;;
esac
