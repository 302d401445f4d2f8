"""Mutated objects for main.go to answer: mutate.py VALID.jsonl.gz SEED LIMIT [update] > objects.jsonl

Each line of VALID has kind, apiVersion, manifest and defaulted (the object as stored). Every field is deleted, given
other types, texts, numbers and keys, and what other objects of its kind have at the same place.
"""
import collections, copy, gzip, json, random, sys
VALID,SEED,LIMIT=sys.argv[1],int(sys.argv[2]),int(sys.argv[3])
random.seed(SEED)
bases=collections.defaultdict(list)
for l in gzip.open(VALID,'rt'):
    r=json.loads(l); bases[r['kind'],r['apiVersion']].append(r)
def walk(v,path=(),gen=''):
    yield path,gen,v
    if isinstance(v,dict):
        for k,x in v.items():
            g=gen+('.' if gen else '')+k
            yield from walk(x,path+(k,),g)
    elif isinstance(v,list):
        for i,x in enumerate(v): yield from walk(x,path+(i,),gen+'[]')
def setp(o,path,val):
    o=copy.deepcopy(o); t=o
    for p in path[:-1]: t=t[p]
    t[path[-1]]=val; return o
def delp(o,path):
    o=copy.deepcopy(o); t=o
    for p in path[:-1]: t=t[p]
    del t[path[-1]]; return o
STR=["","UPPER"," ","a"*64,"a"*254,"x"*300,"a.b","a..b","-bad-","bad-","bad_","a/b","a/b/c","/abs","../x","a\nb","ünï","a:b","a ","*","under_score","Capital","a b","123","BadEnum","0","-1","1.5","10Gi","100m","-5","1e3","99999999999Gi","10.0.0.1","10.0.0.0/24","fd00::1","fd00::/64","010.1.1.1","256.1.1.1","http://x.example.com","https://x.example.com:8443/p?q#f","example.com","*.example.com","a.b.c/d","kubernetes.io/x","k8s.io/foo","example.com/foo","$(X)","{{x}}","2026-01-01T00:00:00Z","* * * * *","@daily","TZ=UTC 0 0 * * *","true","Always","None","none","ClusterIP","TCP","SCTP","tcp","http","IPv6","Exists","In","NotIn","Equal","Gt","NoExecute","NoSchedule","Pods","Utilization","Immediate","Retain","Recycle","Block","ReadWriteOncePod","ReadOnlyMany","system:masters","self == 1","object.spec","1 +","name.with.dots","deny","Fail","Ignore","nginx:latest","localhost/x.json","RuntimeDefault","Unconfined","x"*63,"x"*253,"kube-system","default","v1","v1beta1","apps/v1","Pod","pods","pods/status","*/*","get","GET","/healthz","/*","metadata.name","spec.nodeName","status.podIP","limits.cpu","metadata.labels['a']","metadata.labels['A B']"]
INT=[-1,0,1,2,31,32,63,64,99,100,101,255,256,300,1000,1001,1023,1024,3600,3601,32767,32768,65535,65536,86400,100000,2147483647,2147483648,-2147483648,9223372036854775807,1.5]
OTHER=[None,True,False,[],{},"x",5,[1],{"a":"b"},["a","a"]]
KEYS=["","a"*64,"a/b/c","UPPER","-dash","a b","example.com/"+"x"*64,"a"*254+"/x","cpu","memory","pods","requests.cpu","limits.example.com/x","example.com/gpu","hugepages-2Mi","hugepages-x","ephemeral-storage","requests.storage","count/deployments.apps","kubernetes.io/x","..","ünï","a.b","under_score","a:b","requests.nvidia.com/gpu","storage"]
out=[];seen=set()
def add(kind,av,base,field,label,m,old=None):
    k=(kind,field,label)
    if k in seen and random.random()<0.9: return
    seen.add(k)
    out.append({"kind":kind,"apiVersion":av,"base":base,"field":field,"mutation":label,"manifest":m,**({"old":old} if old is not None else {})})
UPDATE=len(sys.argv)>4 and sys.argv[4]=='update'
for (kind,av),rs in bases.items():
    donors=collections.defaultdict(list)
    src='defaulted' if UPDATE else 'manifest'
    for r in rs:
        for p,g,v in walk(r[src]):
            if p and len(donors[g])<12 and v not in donors[g]: donors[g].append(v)
    pick=[r for r in rs if '+' not in r['id']]
    rest=[r for r in rs if '+' in r['id']]; random.shuffle(rest); pick+=rest[:25]
    for r in pick:
        m=r[src]; b=r['id']
        if UPDATE:
            if 'Review' in kind: continue
            m=copy.deepcopy(m)
            uid='11111111-1111-1111-1111-111111111111'
            if kind=='Job': uid=m['spec'].get('selector',{}).get('matchLabels',{}).get('batch.kubernetes.io/controller-uid',uid)
            m['metadata']['uid']=uid; m['metadata']['resourceVersion']='7'; m['metadata']['creationTimestamp']='2026-11-21T02:38:03Z'
        old=m if UPDATE else None
        A=lambda f,l,x: add(kind,av,b,f,l,x,old)
        for p,g,v in walk(m):
            if not p: 
                continue
            if p[0] in('apiVersion','kind','status') : continue
            if UPDATE and p[0]=='metadata' and (len(p)==1 or p[1] in('uid','resourceVersion','creationTimestamp','generation','managedFields','namespace','name','generateName')): continue
            A(g,'remove',delp(m,p))
            if isinstance(v,str): vals=random.sample(STR,14)+random.sample(INT,2)+random.sample(OTHER,2)
            elif isinstance(v,bool): vals=[not v,"true",1,None]
            elif isinstance(v,(int,float)): vals=random.sample(INT,10)+random.sample(STR,2)+random.sample(OTHER,1)+[v+1,v-1]
            elif isinstance(v,list): vals=[[],None,v+v[:1],v[::-1],"x",{}]+[v+[x] for x in donors[g+'[]'][:3]]+[v[1:]]
            else: vals=[{},None,[],"x"]
            for x in vals: A(g,'v:'+json.dumps(x)[:60],setp(m,p,x))
            for x in random.sample(donors[g],min(4,len(donors[g]))):
                if x!=v: A(g,'swap:'+json.dumps(x)[:60],setp(m,p,x))
            if isinstance(v,dict):
                # donor fields
                pre=g+'.'
                cand=[d for d in donors if d.startswith(pre) and '.' not in d[len(pre):] and '[]' not in d[len(pre):] and d[len(pre):] not in v]
                for d in random.sample(cand,min(6,len(cand))):
                    for x in random.sample(donors[d],min(2,len(donors[d]))): A(d,'add:'+json.dumps(x)[:60],setp(m,p+(d[len(pre):],),x))
                if len(cand)>1:
                    ds=random.sample(cand,2); x=setp(m,p+(ds[0][len(pre):],),random.choice(donors[ds[0]])); x=setp(x,p+(ds[1][len(pre):],),random.choice(donors[ds[1]]))
                    A(ds[0],'add2:'+ds[1],x)
                if all(isinstance(x,(str,int)) for x in v.values()):
                    for kk in random.sample(KEYS,4): A(g+'{key}','key:'+kk[:30],setp(m,p+(kk,),random.choice(list(v.values())+["1","x"])))
                A(g,'unknown',setp(m,p+('bogus',),1))
random.shuffle(out)
out=out[:LIMIT]
for i,r in enumerate(out): r['id']=('fu' if UPDATE else 'f')+str(i); r['verb']='update' if UPDATE else 'create'
for r in out: print(json.dumps(r,ensure_ascii=False))
