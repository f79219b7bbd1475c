<%@ taglib uri="http://java.sun.com/portlet_2_0" prefix="portlet" %><portlet:defineObjects/><%
  Integer before = (Integer) portletSession.getAttribute("reads");
  int reads = before == null ? 1 : before + 1;
  portletSession.setAttribute("reads", reads);
%>
<p>News for <b><%= renderRequest.getRemoteUser() %></b>, read <%= reads %> times.</p>
