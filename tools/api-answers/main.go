// Answers what a kube-apiserver v1.36.3 answers to creating and updating objects: strict decoding, defaulting and the
// registry's strategies, without its admission and its store.
//
//	python3 mutate.py valid.jsonl.gz 7 40000 > objects.jsonl
//	go mod tidy && go run . < objects.jsonl > answers.jsonl
//
// A line of input has apiVersion, kind, manifest and, for an update, old; a line of output also phase, message, causes
// and warnings. testdata/validation/fresh.jsonl.gz holds a sample of such answers.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	v1 "k8s.io/api/core/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextinstall "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresourcedefinition"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	aggregatorinstall "k8s.io/kube-aggregator/pkg/apis/apiregistration/install"
	"k8s.io/kube-aggregator/pkg/registry/apiservice"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	_ "k8s.io/kubernetes/pkg/apis/admissionregistration/install"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	_ "k8s.io/kubernetes/pkg/apis/authentication/install"
	authorizationapi "k8s.io/kubernetes/pkg/apis/authorization"
	_ "k8s.io/kubernetes/pkg/apis/authorization/install"
	authorizationvalidation "k8s.io/kubernetes/pkg/apis/authorization/validation"
	_ "k8s.io/kubernetes/pkg/apis/autoscaling/install"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	_ "k8s.io/kubernetes/pkg/apis/certificates/install"
	_ "k8s.io/kubernetes/pkg/apis/coordination/install"
	api "k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	_ "k8s.io/kubernetes/pkg/apis/discovery/install"
	_ "k8s.io/kubernetes/pkg/apis/events/install"
	_ "k8s.io/kubernetes/pkg/apis/flowcontrol/install"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	_ "k8s.io/kubernetes/pkg/apis/node/install"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	_ "k8s.io/kubernetes/pkg/apis/resource/install"
	_ "k8s.io/kubernetes/pkg/apis/scheduling/install"
	_ "k8s.io/kubernetes/pkg/apis/storage/install"
	"k8s.io/kubernetes/pkg/capabilities"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/mutatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/resolver"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicy"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingadmissionpolicybinding"
	"k8s.io/kubernetes/pkg/registry/admissionregistration/validatingwebhookconfiguration"
	"k8s.io/kubernetes/pkg/registry/apps/controllerrevision"
	"k8s.io/kubernetes/pkg/registry/apps/daemonset"
	"k8s.io/kubernetes/pkg/registry/apps/deployment"
	"k8s.io/kubernetes/pkg/registry/apps/replicaset"
	"k8s.io/kubernetes/pkg/registry/apps/statefulset"
	"k8s.io/kubernetes/pkg/registry/autoscaling/horizontalpodautoscaler"
	"k8s.io/kubernetes/pkg/registry/batch/cronjob"
	"k8s.io/kubernetes/pkg/registry/batch/job"
	"k8s.io/kubernetes/pkg/registry/certificates/certificates"
	"k8s.io/kubernetes/pkg/registry/coordination/lease"
	"k8s.io/kubernetes/pkg/registry/coordination/leasecandidate"
	"k8s.io/kubernetes/pkg/registry/core/configmap"
	"k8s.io/kubernetes/pkg/registry/core/endpoint"
	"k8s.io/kubernetes/pkg/registry/core/event"
	"k8s.io/kubernetes/pkg/registry/core/limitrange"
	"k8s.io/kubernetes/pkg/registry/core/namespace"
	"k8s.io/kubernetes/pkg/registry/core/node"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolume"
	"k8s.io/kubernetes/pkg/registry/core/persistentvolumeclaim"
	"k8s.io/kubernetes/pkg/registry/core/pod"
	"k8s.io/kubernetes/pkg/registry/core/podtemplate"
	"k8s.io/kubernetes/pkg/registry/core/replicationcontroller"
	"k8s.io/kubernetes/pkg/registry/core/resourcequota"
	"k8s.io/kubernetes/pkg/registry/core/secret"
	svcreg "k8s.io/kubernetes/pkg/registry/core/service"
	"k8s.io/kubernetes/pkg/registry/core/serviceaccount"
	"k8s.io/kubernetes/pkg/registry/discovery/endpointslice"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/flowschema"
	"k8s.io/kubernetes/pkg/registry/flowcontrol/prioritylevelconfiguration"
	"k8s.io/kubernetes/pkg/registry/networking/ingress"
	"k8s.io/kubernetes/pkg/registry/networking/ingressclass"
	"k8s.io/kubernetes/pkg/registry/networking/ipaddress"
	"k8s.io/kubernetes/pkg/registry/networking/networkpolicy"
	"k8s.io/kubernetes/pkg/registry/networking/servicecidr"
	"k8s.io/kubernetes/pkg/registry/node/runtimeclass"
	"k8s.io/kubernetes/pkg/registry/policy/poddisruptionbudget"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrole"
	"k8s.io/kubernetes/pkg/registry/rbac/clusterrolebinding"
	"k8s.io/kubernetes/pkg/registry/rbac/role"
	"k8s.io/kubernetes/pkg/registry/rbac/rolebinding"
	"k8s.io/kubernetes/pkg/registry/resource/deviceclass"
	"k8s.io/kubernetes/pkg/registry/resource/devicetaintrule"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaim"
	"k8s.io/kubernetes/pkg/registry/resource/resourceclaimtemplate"
	"k8s.io/kubernetes/pkg/registry/resource/resourceslice"
	"k8s.io/kubernetes/pkg/registry/scheduling/priorityclass"
	"k8s.io/kubernetes/pkg/registry/storage/csidriver"
	"k8s.io/kubernetes/pkg/registry/storage/csinode"
	"k8s.io/kubernetes/pkg/registry/storage/csistoragecapacity"
	"k8s.io/kubernetes/pkg/registry/storage/storageclass"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattachment"
	"k8s.io/kubernetes/pkg/registry/storage/volumeattributesclass"
)

type both interface {
	rest.RESTCreateStrategy
	rest.RESTUpdateStrategy
}

type nsClient struct {
	corev1client.NamespaceInterface
}

func (nsClient) Get(ctx context.Context, name string, o metav1.GetOptions) (*v1.Namespace, error) {
	return &v1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, nil
}

var claim = resourceclaim.NewStrategy(nsClient{}, nil)
var claimTemplate = resourceclaimtemplate.NewStrategy(nsClient{})

var noResolver = resolver.ResourceResolverFunc(func(gvk schema.GroupVersionKind) (schema.GroupVersionResource, error) {
	return schema.GroupVersionResource{}, fmt.Errorf("no match")
})

func strategies() map[string]both {
	return map[string]both{
		"ConfigMap": configmap.Strategy, "Secret": secret.Strategy, "Service": svcreg.Strategy, "ServiceAccount": serviceaccount.Strategy, "Pod": pod.Strategy,
		"PodTemplate": podtemplate.Strategy, "ReplicationController": replicationcontroller.Strategy, "ResourceQuota": resourcequota.Strategy,
		"LimitRange": limitrange.Strategy, "Namespace": namespace.Strategy, "Node": node.Strategy, "PersistentVolume": persistentvolume.Strategy,
		"PersistentVolumeClaim": persistentvolumeclaim.Strategy, "Endpoints": endpoint.Strategy, "Event": event.Strategy,
		"Deployment": deployment.Strategy, "DaemonSet": daemonset.Strategy, "StatefulSet": statefulset.Strategy, "ReplicaSet": replicaset.Strategy,
		"ControllerRevision": controllerrevision.Strategy, "Job": job.Strategy, "CronJob": cronjob.Strategy,
		"HorizontalPodAutoscaler": horizontalpodautoscaler.Strategy, "PodDisruptionBudget": poddisruptionbudget.Strategy,
		"Ingress": ingress.Strategy, "IngressClass": ingressclass.Strategy, "NetworkPolicy": networkpolicy.Strategy, "IPAddress": ipaddress.Strategy,
		"ServiceCIDR": servicecidr.Strategy, "RuntimeClass": runtimeclass.Strategy, "Role": role.Strategy, "RoleBinding": rolebinding.Strategy,
		"ClusterRole": clusterrole.Strategy, "ClusterRoleBinding": clusterrolebinding.Strategy, "PriorityClass": priorityclass.Strategy,
		"StorageClass": storageclass.Strategy, "CSIDriver": csidriver.Strategy, "CSINode": csinode.Strategy, "CSIStorageCapacity": csistoragecapacity.Strategy,
		"VolumeAttachment": volumeattachment.Strategy, "VolumeAttributesClass": volumeattributesclass.Strategy,
		"EndpointSlice": endpointslice.Strategy, "Lease": lease.Strategy, "LeaseCandidate": leasecandidate.Strategy,
		"FlowSchema": flowschema.Strategy, "PriorityLevelConfiguration": prioritylevelconfiguration.Strategy,
		"CertificateSigningRequest": certificates.Strategy, "DeviceClass": deviceclass.Strategy, "DeviceTaintRule": devicetaintrule.Strategy,
		"ResourceClaim": claim, "ResourceClaimTemplate": claimTemplate, "ResourceSlice": resourceslice.Strategy,
		"ValidatingAdmissionPolicy": validatingadmissionpolicy.NewStrategy(nil, noResolver), "ValidatingAdmissionPolicyBinding": validatingadmissionpolicybinding.NewStrategy(nil, nil, noResolver),
		"MutatingAdmissionPolicy": mutatingadmissionpolicy.NewStrategy(nil, noResolver), "MutatingAdmissionPolicyBinding": mutatingadmissionpolicybinding.NewStrategy(nil, nil, noResolver),
		"ValidatingWebhookConfiguration": validatingwebhookconfiguration.Strategy, "MutatingWebhookConfiguration": mutatingwebhookconfiguration.Strategy,
	}
}

type warnings struct{ all []string }

func (w *warnings) AddWarning(agent, text string) { w.all = append(w.all, text) }

type record map[string]any

type world struct {
	scheme   *runtime.Scheme
	codecs   serializer.CodecFactory
	strategy both
}

var kinds = strategies()
var apiextScheme, aggScheme = runtime.NewScheme(), runtime.NewScheme()
var apiextCodecs, aggCodecs serializer.CodecFactory

func worldOf(gv schema.GroupVersion, kind string) (world, bool) {
	switch {
	case gv.Group == "apiextensions.k8s.io":
		return world{apiextScheme, apiextCodecs, customresourcedefinition.NewStrategy(apiextScheme)}, kind == "CustomResourceDefinition"
	case gv.Group == "apiregistration.k8s.io":
		return world{aggScheme, aggCodecs, apiservice.NewStrategy(aggScheme).(both)}, kind == "APIService"
	}
	s, ok := kinds[kind]
	return world{legacyscheme.Scheme, legacyscheme.Codecs, s}, ok
}

func plural(kind string) string {
	l := strings.ToLower(kind)
	switch {
	case kind == "Endpoints":
		return l
	case strings.HasSuffix(l, "y") && !strings.HasSuffix(l, "ay"):
		return l[:len(l)-1] + "ies"
	case strings.HasSuffix(l, "s"):
		return l + "es"
	}
	return l + "s"
}

func (w world) decode(body []byte, gvk schema.GroupVersionKind) (obj runtime.Object, err error) {
	strict := kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, w.scheme, w.scheme, kjson.SerializerOptions{Strict: true})
	original, err := w.scheme.New(gvk.GroupKind().WithVersion(runtime.APIVersionInternal))
	if err != nil {
		return nil, err
	}
	hub := schema.GroupVersion{Group: gvk.Group, Version: runtime.APIVersionInternal}
	obj, got, err := w.codecs.DecoderToVersion(strict, hub).Decode(body, &gvk, original)
	if err != nil {
		if got != nil && len(got.Kind) > 0 {
			return nil, errors.NewBadRequest(fmt.Sprintf("%s in version %q cannot be handled as a %s: %v", got.Kind, got.Version, gvk.Kind, err))
		}
		return nil, errors.NewBadRequest(fmt.Sprintf("the object provided is unrecognized (must be of type %s): %v", gvk.Kind, err))
	}
	return obj, nil
}

func dedupOwners(obj runtime.Object) {
	m, err := meta.Accessor(obj)
	if err != nil {
		return
	}
	seen := map[metav1.OwnerReference]bool{}
	var kept []metav1.OwnerReference
	refs := m.GetOwnerReferences()
	key := map[string]bool{}
	for _, r := range refs {
		b, _ := json.Marshal(r)
		if key[string(b)] {
			continue
		}
		key[string(b)] = true
		kept = append(kept, r)
	}
	_ = seen
	if len(kept) != len(refs) {
		m.SetOwnerReferences(kept)
	}
}

func answer(in record, out record) (err error) {
	gv, err := schema.ParseGroupVersion(in["apiVersion"].(string))
	if err != nil {
		return err
	}
	kind := in["kind"].(string)
	gvk := gv.WithKind(kind)
	var w world
	var ok bool
	review := gv.Group == "authorization.k8s.io"
	if review {
		w = world{legacyscheme.Scheme, legacyscheme.Codecs, nil}
	} else if w, ok = worldOf(gv, kind); !ok {
		return fmt.Errorf("unknown kind %s", kind)
	}
	body, _ := json.Marshal(in["manifest"])
	obj, err := w.decode(body, gvk)
	if err != nil {
		return err
	}
	warned := &warnings{}
	ctx := warning.WithWarningRecorder(context.Background(), warned)
	ns := ""
	if review {
		ns = "default"
	} else if w.strategy.NamespaceScoped() {
		ns = "default"
	}
	ctx = request.WithUser(ctx, &user.DefaultInfo{Name: "admin", Groups: []string{"system:masters", "system:authenticated"}})
	info := &request.RequestInfo{IsResourceRequest: true, Verb: "create", APIGroup: gv.Group, APIVersion: gv.Version, Resource: plural(kind), Namespace: ns, APIPrefix: "apis"}
	ctx = request.WithRequestInfo(ctx, info)
	ctx = request.WithNamespace(ctx, ns)
	m, err := meta.Accessor(obj)
	if err != nil {
		return err
	}
	if service, ok := obj.(*api.Service); ok && len(service.Spec.ClusterIPs) == 0 && service.Spec.ClusterIP != "" {
		service.Spec.ClusterIPs = []string{service.Spec.ClusterIP}
	}
	if review {
		if m.GetNamespace() == "" && kind == "LocalSubjectAccessReview" {
			m.SetNamespace("default")
		}
		switch r := obj.(type) {
		case *authorizationapi.SubjectAccessReview:
			if e := authorizationvalidation.ValidateSubjectAccessReview(r); len(e) > 0 {
				return errors.NewInvalid(gvk.GroupKind(), "", e)
			}
		case *authorizationapi.SelfSubjectAccessReview:
			if e := authorizationvalidation.ValidateSelfSubjectAccessReview(r); len(e) > 0 {
				return errors.NewInvalid(gvk.GroupKind(), "", e)
			}
		case *authorizationapi.LocalSubjectAccessReview:
			if e := authorizationvalidation.ValidateLocalSubjectAccessReview(r); len(e) > 0 {
				return errors.NewInvalid(gvk.GroupKind(), "", e)
			}
		}
		return nil
	}
	defer func() { out["warnings"] = warned.all }()
	if old, isUpdate := in["old"]; isUpdate {
		info.Verb = "update"
		body, _ := json.Marshal(old)
		before, err := w.decode(body, gvk)
		if err != nil {
			return fmt.Errorf("old: %w", err)
		}
		om, _ := meta.Accessor(before)
		if ns != "" && om.GetNamespace() == "" {
			om.SetNamespace(ns)
		}
		if om.GetResourceVersion() == "" {
			om.SetResourceVersion("1")
		}
		if om.GetUID() == "" {
			om.SetUID("11111111-1111-1111-1111-111111111111")
		}
		if t := om.GetCreationTimestamp(); t.IsZero() {
			om.SetCreationTimestamp(metav1.Now())
		}
		if m.GetResourceVersion() == "" {
			m.SetResourceVersion("1")
		}
		if err := rest.EnsureObjectNamespaceMatchesRequestNamespace(ns, m); err != nil {
			return err
		}
		dedupOwners(obj)
		return rest.BeforeUpdate(w.strategy, ctx, obj, before)
	}
	rest.WipeObjectMetaSystemFields(m)
	rns := ns
	if kind == "Namespace" {
		rns = ""
	}
	if err := rest.EnsureObjectNamespaceMatchesRequestNamespace(rns, m); err != nil {
		return err
	}
	if service, ok := obj.(*api.Service); ok {
		single := api.IPFamilyPolicySingleStack
		if service.Spec.IPFamilyPolicy == nil && service.Spec.Type != api.ServiceTypeExternalName {
			service.Spec.IPFamilyPolicy = &single
		}
		if len(service.Spec.IPFamilies) == 0 && service.Spec.Type != api.ServiceTypeExternalName {
			service.Spec.IPFamilies = []api.IPFamily{api.IPv4Protocol}
		}
	}
	dedupOwners(obj)
	rest.FillObjectMetaSystemFields(m)
	if len(m.GetGenerateName()) > 0 && len(m.GetName()) == 0 {
		m.SetName(w.strategy.GenerateName(m.GetGenerateName()))
	}
	if err := rest.BeforeCreate(w.strategy, ctx, obj); err != nil {
		return err
	}
	if in["want_object"] == true {
		text, err := runtime.Encode(w.codecs.LegacyCodec(gv), obj)
		if err == nil {
			var v any
			json.Unmarshal(text, &v)
			out["object"] = v
		}
	}
	return nil
}

func guarded(in, out record) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return answer(in, out)
}

func main() {
	apiextinstall.Install(apiextScheme)
	aggregatorinstall.Install(aggScheme)
	metav1.AddToGroupVersion(apiextScheme, schema.GroupVersion{Version: "v1"})
	metav1.AddToGroupVersion(aggScheme, schema.GroupVersion{Version: "v1"})
	apiextCodecs, aggCodecs = serializer.NewCodecFactory(apiextScheme), serializer.NewCodecFactory(aggScheme)
	utilruntime.Must(nil)
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true})
	_ = apiextensions.SchemeGroupVersion
	scanner := bufio.NewScanner(os.Stdin)
	scanner.Buffer(make([]byte, 1<<20), 1<<28)
	writer := bufio.NewWriterSize(os.Stdout, 1<<20)
	defer writer.Flush()
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for scanner.Scan() {
		var in record
		decoder := json.NewDecoder(bytes.NewReader(scanner.Bytes()))
		decoder.UseNumber()
		if err := decoder.Decode(&in); err != nil {
			panic(err)
		}
		out := record{"warnings": []string{}}
		for k, v := range in {
			out[k] = v
		}
		err := guarded(in, out)
		status, isStatus := err.(errors.APIStatus)
		switch {
		case err == nil:
			out["phase"], out["result"] = "ok", "accepted"
		case isStatus && status.Status().Code == 400:
			out["phase"], out["result"], out["message"] = "decode", "rejected", status.Status().Message
		case isStatus && status.Status().Code == 422:
			out["phase"], out["result"], out["message"] = "validation", "rejected", status.Status().Message
			causes := []record{}
			if d := status.Status().Details; d != nil {
				for _, c := range d.Causes {
					causes = append(causes, record{"field": c.Field, "reason": string(c.Type), "message": c.Message})
				}
			}
			out["causes"] = causes
		default:
			out["phase"], out["result"], out["message"] = "server-error", "rejected", err.Error()
		}
		if err := encoder.Encode(out); err != nil {
			panic(err)
		}
	}
}
