"""Inventories as people write them. ``inventory`` is the key of the file that is read; the others lie beside it."""

from __future__ import annotations

VAULT = """!vault |
          $ANSIBLE_VAULT;1.1;AES256
          62313365396662343061393464336163383764373764613633653634306231386433626436623361
          6134333665353966363534333632666535333761666131620a663537646436643839616531643561
"""

SAMPLES: dict[str, dict[str, str]] = {
    "ini: hosts without a group": {
        "hosts": """
alpha
beta ansible_host=192.0.2.12
192.0.2.13
"""
    },
    "ini: groups, children and variables": {
        "hosts.ini": """
lonely  ansible_user=me   # a comment
[numa]
alpha ansible_host=192.0.2.11
; another comment
beta  ansible_host=192.0.2.12 ansible_port=2222

[lab:children]   # and one here
numa
spare
[spare]
[lab:vars]
ansible_user = mm
site=north # this belongs to the value
[all:vars]
ansible_user=nobody
"""
    },
    "ini: ranges": {
        "hosts": """
[a]
node[01:16]
node[1:9:2].lab
rack[a:c]-[1:3]
[b]
n[08:12:2] ansible_port=2200
x[a:F:9]
"""
    },
    "ini: ports in names": {
        "hosts": """
[g]
alpha:2222
beta:22 ansible_port=2200
192.0.2.1:2022
n[1:2]:2222
alpha
gamma
gamma:24
"""
    },
    "ini: IPv6": {
        "hosts": """
[g]
2001:db8::1
[2001:db8::2]:2222
six ansible_host=2001:db8::3 ansible_port=22
fe80::1%eth0
"""
    },
    "ini: values of all types": {
        "hosts": """
[g]
h1 pages=4 quiet=True none=None names="['a', 'b']" map="{'x': 1, 2: [3]}" pair="(1, 2)" f=1.5 neg=-3 yes=yes
h2 text="a b" hash='x#y' eq=a=b quoted="'4'" octal=010 hex=0x10 big=12345678901234567890 e=1e3 empty= l=[1,2]
h3 zeros=000000
[g:vars]
v="a # b"
w=5 # five
x='["a"]'
y = True
z={'a': {'b': [1, 2]}}
dots=...
bytes=b'ab'
complex=1j
template={{ site }}
"""
    },
    "ini: jump host in common arguments": {
        "hosts": """
[g]
h1 ansible_host=192.0.2.11
[g:vars]
ansible_ssh_common_args='-o ProxyJump=me@192.0.2.1'
"""
    },
    "ini: a proxy command in quotes": {
        "hosts": """
[g]
h1 ansible_ssh_extra_args='-o ProxyCommand="ssh -W %h:%p -q me@gate"' ansible_ssh_args="-F /dev/null -C"
[g:vars]
ansible_ssh_common_args=-o ServerAliveInterval=5 -o "User=x y"
"""
    },
    "ini: old names": {
        "hosts": "[g]\nalpha ansible_ssh_host=192.0.2.11 ansible_ssh_port=2222 ansible_ssh_user=mm\n"
    },
    "ini: old names take precedence": {
        "hosts": """
[g]
h1 ansible_host=192.0.2.1 ansible_ssh_host=192.0.2.2 ansible_port=22 ansible_ssh_port=33
h2 ansible_user=a ansible_ssh_user=b ansible_private_key_file=/c ansible_ssh_private_key_file=/d
h3 ansible_ssh_private_key_file=~/key
[g:vars]
ansible_ssh_host=192.0.2.3
ansible_private_key_file=/e
"""
    },
    "ini: host keys are not checked": {
        "hosts": """
a ansible_host_key_checking=false
b ansible_ssh_host_key_checking=False
c ansible_timeout=5
d ansible_ssh_timeout=5
"""
    },
    "ini: other connections": {
        "hosts": """
[control]
localhost ansible_connection=local
[boxes]
box ansible_connection=docker
win ansible_connection=winrm ansible_port=5986
[numa]
alpha ansible_host=192.0.2.11 ansible_connection=ansible.builtin.ssh
"""
    },
    "ini: a host in several groups": {
        "hosts": """
[a]
h1 x=1 y=1
[b]
h1 x=2
[c:children]
a
b
[a:vars]
z=a
[b:vars]
z=b
[c:vars]
z=c
w=c
"""
    },
    "ini: mappings replace each other": {
        "hosts": """
[a]
h1 m="{'x': 1, 'y': 1}"
[b]
h1 m="{'y': 2}"
[a:vars]
n={'p': 1}
[b:vars]
n={'q': 2}
"""
    },
    "ini: priority of groups": {
        "hosts": """
[a]
h1
[b]
h1
[a:vars]
v=a
ansible_group_priority=10
[b:vars]
v=b
[c:children]
a
[c:vars]
v=c
"""
    },
    "ini: depth decides before the name": {
        "hosts": """
[z]
h1
[y:children]
z
[a]
h1
[x:children]
y
[z:vars]
v=z
[a:vars]
v=a
[y:vars]
w=y
[x:vars]
w=x
"""
    },
    "ini: a group and a host of one name": {
        "hosts": """
[alpha]
alpha x=1
beta
[alpha:vars]
y=2
"""
    },
    "ini: children before their groups": {
        "hosts": """
[top:children]
mid
[mid:children]
low
[low]
h[1:3]
[top:vars]
t=1
"""
    },
    "ini: groups with dashes and dots": {
        "hosts": """
[numa-lab.1]
h1
[numa-lab.1:vars]
a=1
[x:children]
numa-lab.1
"""
    },
    # https://github.com/ansible/ansible/issues/80825: group_vars/all is above a group in the inventory.
    "group_vars and host_vars: files": {
        "hosts": """
[numa]
alpha x=line y=line
beta
[numa:vars]
v=inline
w=inline
x=inline
[all:vars]
u=inline
""",
        "group_vars/all.yml": """
v: all file
u: all file
q: 1
""",
        "group_vars/numa.yaml": "w: file\n",
        "host_vars/alpha": "y: own\n",
        "host_vars/beta.json": '{"j": [1, {"k": null}]}',
    },
    "group_vars: directories": {
        "hosts": "[numa]\nalpha ansible_host=192.0.2.11\n",
        "group_vars/numa/main.yml": "ansible_user: mm\nx: main\n",
        "group_vars/numa/zz": "x: last\n",
        "group_vars/numa/.hidden.yml": "hidden: 1\n",
        "group_vars/numa/old.yml~": "old: 1\n",
        "group_vars/numa/notes.txt": "not: read\n",
        "group_vars/numa/deeper/more.yaml": "deep: true\n",
        "group_vars/numa/not.deeper/more.yaml": "not_read: true\n",
        "host_vars/alpha/net.yml": "ansible_port: 2222\n",
        "group_vars/all/empty.yml": "---\n",
    },
    # https://github.com/ansible/ansible/issues/25895: which files of a directory are read.
    "group_vars: generated files and a vault": {
        "000_hosts.generated": """
[backend]
h1
[zone1:children]
backend
""",
        "group_vars/all/000_vars.generated": "from_generated: 1\n",
        "group_vars/all/vars": "from_vars: 1\nansible_user: deploy\n",
        "group_vars/backend/vars": "pool: b\n",
        "group_vars/zone1.yml": "zone: 1\npool: z\n",
    },
    "group_vars: the file without a suffix first": {
        "hosts": "[g]\nh1\n",
        "group_vars/g": "v: plain\n",
        "group_vars/g.yml": "v: yml\n",
        "group_vars/all.yaml": "a: yaml\n",
        "group_vars/all.yml": "a: yml\n",
        "group_vars/ungrouped.yml": "u: 1\n",
    },
    "yaml: nested groups": {
        "inventory.yml": """
all:
  vars: {ansible_user: lab, ansible_port: 22}
  hosts:
    lonely:
  children:
    numa:
      vars: {ansible_port: 2200}
      hosts:
        n1: {ansible_host: 192.0.2.1, ansible_port: 2201}
        n2:
    other: {hosts: {n3: {ansible_user: root}}}
    outer:
      children:
        numa:
      vars: {ansible_port: 1}
"""
    },
    "yaml: 1.1": {
        "hosts.yaml": """
g:
  hosts:
    h1: {a: yes, b: off, c: 010, d: 1:30, e: 1e3, f: 1_000, g: 0x1F, h: 2024-01-01, i: ~, j: "yes", k: 1.5e+3, l: 0b11}
    h2: {ansible_become: yes, ansible_port: 026, q: 0o26, m: [on, No], n: {y: n}, o: 2024-01-01 10:00:00, p: .inf}
"""
    },
    "yaml: anchors and merge keys": {
        "hosts.yml": """
base:
  vars: &base {ansible_user: mm, x: 1}
g:
  hosts:
    h1: {<<: *base, x: 2}
    h2:
      <<: [{x: 3, y: 3}, *base]
      z: 4
  vars: {<<: *base, g: 1}
"""
    },
    "yaml: encrypted and unsafe values": {
        "hosts.yml": f"""
numa:
  hosts:
    alpha: {{ansible_host: 192.0.2.11, raw: !unsafe "{{{{ x }}}}"}}
    beta:
  vars:
    ansible_become_password: {VAULT}
"""
    },
    "yaml: ranges, ports and names alone": {
        "hosts.yml": """
g:
  hosts:
    n[1:3].lab: {x: 1}
    alpha:2222:
    '[2001:db8::1]:22':
  children: h
h:
  hosts: single
"""
    },
    "yaml: JSON with tabs, exponents and surrogates": {
        "hosts.json": """{
\t"all": {"hosts": {"h1": {"a": 1e3, "b": -1.5E-2, "c": "\\ud83d\\ude00 1e3", "d": true, "e": -0}}}
}
""",
        "group_vars/all": '{\n\t"j": [1E2, "a\\/b"]\n}\n',
    },
    "yaml: hosts with empty values": {
        "hosts.yml": "all:\n  hosts:\n    a: ''\n    b: []\n    c: false\n    d: {x: 1}\n"
    },
    "ini: in a file with the name of YAML": {"hosts.yml": "[g]\na x=1\n"},
    "yaml: JSON": {
        "hosts.json": '{"all": {"hosts": {"h1": {"n": [1, 2.5, null]}}, "vars": {"s": "\\u00fc"}}}'
    },
    "yaml: without a suffix": {
        "hosts": """
---
lab:
  hosts:
    h1:
    h2: {v: 1}
  vars:
    t: '{{ v }}'
"""
    },
    "directories beside the inventory and in the working directory": {
        "inventories/lab/hosts": "[g]\nh1\n",
        "inventories/lab/group_vars/g.yml": "a: lab\nb: lab\n",
        "group_vars/all.yml": "a: here\nc: here\n",
        "group_vars/g/x.yml": "b: here\n",
        "host_vars/h1.yml": "h: here\n",
    },
    "ini: variables of all groups at once": {
        "hosts": """
[all]
h1
h2
[all:vars]
a=1
[ungrouped:vars]
u=1
[g]
h2
[all:children]
g
[ungrouped:children]
odd
[odd]
h3
""",
        "group_vars/ungrouped.yml": "w: 1\n",
    },
}
